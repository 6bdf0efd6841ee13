// What the daemon answers over HTTP: /metrics, and the live page of garden/page with what it needs to know:
//
//   /                 the page; in a build without WebSocket, which switch that wants
//   /lanes.json       {"session", "version", "topics", "store": is there one?, "endpoints": {"shell": "ws://..."}}
//   /stats.json       {"shell": {"own": ..., "page": ...}}: what the lanes' sockets and their peers count, in
//                     the words of zmtp_uv_stats_json
//   /captures.json    what captures.h tells
//   POST /captures?device=NAME&uri=URI, POST /captures/stop?id=N
#ifndef GARDEN_DAEMON_PAGE_H
#define GARDEN_DAEMON_PAGE_H

#include "captures.h"
#include "http.h"
#include "place.h"
#include "requests.h"

struct page {
    const struct requests *requests;
    struct zmtp_uv *uv;
    const struct place *place;
    struct captures captures;
    bool wanted, topics, has_websocket;
    char policy[768];
};

// Once the lanes' doors for pages are open, or are known not to be there.
void page_init(struct page *page);
struct http_answer page_answer(const struct http_question *question, void *page);

#endif
