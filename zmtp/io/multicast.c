#include "multicast.h"

#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

bool zmtp__multicast_is(const struct zmtp__address *address)
{
    if (address->at.ss_family == AF_INET) {
        struct sockaddr_in four;
        memcpy(&four, &address->at, sizeof four);
        return IN_MULTICAST(ntohl(four.sin_addr.s_addr));
    }
    if (address->at.ss_family != AF_INET6) return false;
    struct sockaddr_in6 six;
    memcpy(&six, &address->at, sizeof six);
    return IN6_IS_ADDR_MULTICAST(&six.sin6_addr);
}

// Has this interface the address |host|, or its name?
static bool multicast_meant(const struct ifaddrs *entry, struct zmtp_bytes source,
                            const struct zmtp__address *host)
{
    if (zmtp_bytes_equal(source, zmtp_bytes_text(entry->ifa_name))) return true;
    if (!entry->ifa_addr || entry->ifa_addr->sa_family != host->at.ss_family) return false;
    const bool six = host->at.ss_family == AF_INET6;
    const size_t at =
        six ? offsetof(struct sockaddr_in6, sin6_addr) : offsetof(struct sockaddr_in, sin_addr);
    const size_t size = six ? sizeof(struct in6_addr) : sizeof(struct in_addr);
    return memcmp((const uint8_t *)entry->ifa_addr + at, (const uint8_t *)&host->at + at, size) ==
           0;
}

// Finds the endpoint's interface by its name or an address that it has. 0: none was asked for;
// negative: there is no such one, and errno says so. |local|: is it the loopback?
static int multicast_interface(const struct zmtp_endpoint *endpoint, bool *local)
{
    const struct zmtp_bytes source = endpoint->source;
    struct zmtp__address host = {.size = 0};
    struct ifaddrs *list;
    int index = -1;
    *local = false;
    if (source.size == 0 || zmtp_bytes_equal(source, zmtp_bytes_text("*"))) return 0;
    if (!zmtp__address_source(endpoint, AF_UNSPEC, &host)) host.at.ss_family = AF_UNSPEC;
    if (getifaddrs(&list) < 0) return -1;
    for (const struct ifaddrs *entry = list; entry && index < 0; entry = entry->ifa_next) {
        if (!multicast_meant(entry, source, &host)) continue;
        index = (int)if_nametoindex(entry->ifa_name);
        *local = entry->ifa_flags & IFF_LOOPBACK;
    }
    freeifaddrs(list);
    if (index <= 0) errno = ENODEV;
    return index > 0 ? index : -1;
}

bool zmtp__multicast_local(const struct zmtp_endpoint *endpoint)
{
    bool local;
    return multicast_interface(endpoint, &local) > 0 && local;
}

// Is |six| good on one link, or this machine, only, so that it needs an interface?
static bool multicast_needs_scope(const struct sockaddr_in6 *six)
{
    return IN6_IS_ADDR_MC_LINKLOCAL(&six->sin6_addr) || IN6_IS_ADDR_MC_NODELOCAL(&six->sin6_addr);
}

// The interface through which the system would send to a group of IPv6 that names none: the one of the address that it
// would send from to a group that is good everywhere. Nothing is sent for that. 0: there is none.
static int multicast_usual(void)
{
    static const struct sockaddr_in6 any_group = {
        .sin6_family = AF_INET6, .sin6_port = 9, .sin6_addr = {.s6_addr = {0xFF, 0x0E, [15] = 1}}};
    struct sockaddr_in6 from = {.sin6_family = AF_UNSPEC};
    socklen_t size = sizeof from;
    const int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return 0;
    const bool found = connect(fd, (const struct sockaddr *)&any_group, sizeof any_group) == 0 &&
                       getsockname(fd, (struct sockaddr *)&from, &size) == 0;
    close(fd);
    if (!found) return 0;
    if (from.sin6_scope_id > 0) return (int)from.sin6_scope_id;
    struct ifaddrs *list;
    struct zmtp__address host = {.size = sizeof from};
    int index = 0;
    memcpy(&host.at, &from, sizeof from);
    if (getifaddrs(&list) < 0) return 0;
    for (const struct ifaddrs *entry = list; entry && index == 0; entry = entry->ifa_next)
        if (multicast_meant(entry, (struct zmtp_bytes){0}, &host))
            index = (int)if_nametoindex(entry->ifa_name);
    freeifaddrs(list);
    return index;
}

void zmtp__multicast_scope(const struct zmtp_endpoint *endpoint, struct zmtp__address *group)
{
    struct sockaddr_in6 six;
    bool local;
    if (group->at.ss_family != AF_INET6 || !zmtp__multicast_is(group)) return;
    memcpy(&six, &group->at, sizeof six);
    int index = multicast_interface(endpoint, &local);
    if (index == 0 && multicast_needs_scope(&six)) index = multicast_usual();
    if (index <= 0 || six.sin6_scope_id > 0) return; // the bind will tell
    six.sin6_scope_id = (uint32_t)index;
    memcpy(&group->at, &six, sizeof six);
}

static bool multicast_set(int fd, int level, int name, const void *value, size_t size)
{
    return setsockopt(fd, level, name, value, (socklen_t)size) == 0;
}

bool zmtp__multicast_join(int fd, const struct zmtp__address *group,
                          const struct zmtp_endpoint *endpoint)
{
    const int off = 0;
    bool local;
    const int index = multicast_interface(endpoint, &local);
    if (index < 0) return false;
    if (group->at.ss_family == AF_INET) {
        struct sockaddr_in four;
        memcpy(&four, &group->at, sizeof four);
        const struct ip_mreqn request = {.imr_multiaddr = four.sin_addr, .imr_ifindex = index};
        return multicast_set(fd, IPPROTO_IP, IP_MULTICAST_ALL, &off, sizeof off) &&
               multicast_set(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &request, sizeof request);
    }
    struct sockaddr_in6 six;
    memcpy(&six, &group->at, sizeof six);
    const struct ipv6_mreq request = {.ipv6mr_multiaddr = six.sin6_addr,
                                      .ipv6mr_interface =
                                          index > 0 ? (unsigned)index : six.sin6_scope_id};
    // Systems before Linux 4.20 have not the first, and then hear more than was asked for.
    (void)multicast_set(fd, IPPROTO_IPV6, IPV6_MULTICAST_ALL, &off, sizeof off);
    return multicast_set(fd, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, &request, sizeof request);
}

bool zmtp__multicast_send(int fd, int family, const struct zmtp_endpoint *endpoint,
                          const struct zmtp_uv_transport *transport, const char **option)
{
    const bool six = family == AF_INET6;
    const int level = six ? IPPROTO_IPV6 : IPPROTO_IP;
    const int loop = transport->multicast_loop, hops = (int)transport->multicast_hops;
    bool local;
    const int index = multicast_interface(endpoint, &local);
    const struct ip_mreqn request = {.imr_ifindex = index};
    if (index < 0) return false;
    if (index > 0 && !(six ? multicast_set(fd, level, IPV6_MULTICAST_IF, &index, sizeof index)
                           : multicast_set(fd, level, IP_MULTICAST_IF, &request, sizeof request)))
        return false;
    *option = "transport.multicast_loop";
    if (!multicast_set(fd, level, six ? IPV6_MULTICAST_LOOP : IP_MULTICAST_LOOP, &loop,
                       sizeof loop))
        return false;
    *option = "transport.multicast_hops";
    if (hops > 0 &&
        !multicast_set(fd, level, six ? IPV6_MULTICAST_HOPS : IP_MULTICAST_TTL, &hops, sizeof hops))
        return false;
    *option = NULL;
    return true;
}
