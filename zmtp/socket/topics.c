#include "topics.h"

void zmtp__topics_init(struct zmtp__topics *topics, const struct zmtp_allocator *allocator,
                       const struct zmtp__slots *slots, uint64_t seed)
{
    zmtp__topic_table_init(&topics->table, allocator, slots, seed);
    zmtp__topic_tree_init(&topics->tree, allocator, slots);
}

void zmtp__topics_fini(struct zmtp__topics *topics)
{
    zmtp__topic_tree_fini(&topics->tree);
    zmtp__topic_table_fini(&topics->table);
}

size_t zmtp__topics_count(const struct zmtp__topics *topics)
{
    return topics->table.count + topics->tree.count;
}

uint32_t zmtp__topics_leaf(const uint32_t *place)
{
    return zmtp__topic_leaf(*place);
}

void zmtp__topics_exchange(uint32_t *place, uint32_t leaf)
{
    *place = leaf | ZMTP__TOPIC_LEAF | (*place & ZMTP__TOPIC_NEW);
}

uint32_t *zmtp__topics_find(struct zmtp__topics *topics, struct zmtp_bytes topic)
{
    uint32_t *place = zmtp__topic_table_find(&topics->table, topic);
    return place ? place : zmtp__topic_tree_find(&topics->tree, topic);
}

uint32_t *zmtp__topics_seek(struct zmtp__topics *topics, struct zmtp_bytes topic,
                            struct zmtp__topic_seat *seat)
{
    uint32_t *place = zmtp__topic_table_seek(&topics->table, topic, seat);
    return place ? place : zmtp__topic_tree_find(&topics->tree, topic);
}

int zmtp__topics_add(struct zmtp__topics *topics, struct zmtp_bytes topic,
                     const struct zmtp__topic_seat *seat, uint32_t leaf)
{
    if (topic.size <= ZMTP__TOPIC_SHORT) {
        const int result = zmtp__topic_table_add(&topics->table, topic, seat, leaf);
        if (result != ZMTP_ERR_LIMIT) return result;
    }
    return zmtp__topic_tree_add(&topics->tree, topic, leaf);
}

void zmtp__topics_remove(struct zmtp__topics *topics, struct zmtp_bytes topic, uint32_t *place)
{
    const bool in_table =
        topics->tree.count == 0 || zmtp__topic_table_find(&topics->table, topic) == place;
    if (in_table)
        zmtp__topic_table_remove(&topics->table, place);
    else
        zmtp__topic_tree_remove(&topics->tree, topic);
}

struct zmtp__topic_prefixes zmtp__topics_prefixes(const struct zmtp__topics *topics,
                                                  struct zmtp_bytes text)
{
    return (struct zmtp__topic_prefixes){.topics = topics, .text = text};
}

bool zmtp__topic_prefixes_next(struct zmtp__topic_prefixes *prefixes, uint32_t *leaf)
{
    const struct zmtp__topics *topics = prefixes->topics;
    if (!topics) return false;
    if (!prefixes->in_tree) {
        if (zmtp__topic_table_next(&topics->table, prefixes->text, &prefixes->walk, leaf))
            return true;
        prefixes->in_tree = true;
        prefixes->tree = zmtp__topic_tree_prefixes(&topics->tree, prefixes->text);
    }
    if (zmtp__topic_tree_next(&prefixes->tree, leaf)) return true;
    prefixes->topics = NULL;
    return false;
}
