// Timers. Nothing depends on how long a step takes: where it matters which are due, all wait for it.
#include <time.h>

#include "say.h"

static void *timers;
static int calls;

static void pause_ms(int ms)
{
    const struct timespec wait = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&wait, NULL);
}

static void tell(int id, void *hint)
{
    calls++;
    say(hint, "timer %d", id);
}

static void cancel_itself(int id, void *hint)
{
    say_result(hint, zmq_timers_cancel(timers, id));
}

static void cancel_next(int id, void *hint)
{
    say(hint, "timer %d", id);
    say_result(hint, zmq_timers_cancel(timers, id + 1));
}

static void add_one(int id, void *hint)
{
    say(hint, "timer %d", id);
    say_result(hint, zmq_timers_add(timers, 100000, tell, hint));
    say_result(hint, zmq_timers_cancel(timers, id));
}

static void errors(void)
{
    void *none = NULL;
    say_result("no timers", zmq_timers_destroy(&none));
    timers = zmq_timers_new();
    say_result("no handler", zmq_timers_add(timers, 1, NULL, NULL));
    say("no timer", "%ld", zmq_timers_timeout(timers));
    say_result("no timer", zmq_timers_execute(timers));
    say_result("no timer", zmq_timers_cancel(timers, 1));
    say_result("no timer", zmq_timers_reset(timers, 1));
    say_result("no timer", zmq_timers_set_interval(timers, 1, 1));
    say_result("ids", zmq_timers_add(timers, 100000, tell, NULL));
    say_result("ids", zmq_timers_add(timers, 100000, tell, NULL));
    say_result("cancel", zmq_timers_cancel(timers, 1));
    say_result("cancel twice", zmq_timers_cancel(timers, 1));
    say_result("ids are not used again", zmq_timers_add(timers, 100000, tell, NULL));
    const long timeout = zmq_timers_timeout(timers);
    say("time that is left", "%d", timeout > 40000 && timeout <= 100000);
    say_result("change", zmq_timers_set_interval(timers, 2, 70000));
    say("time that is left", "%d", zmq_timers_timeout(timers) <= 70000);
    say_result("reset", zmq_timers_reset(timers, 2));
    say_result("destroy", zmq_timers_destroy(&timers));
    say("destroy", "%d", timers == NULL);
}

static void order(void)
{
    timers = zmq_timers_new();
    zmq_timers_add(timers, 30, tell, "in the order of their times");
    zmq_timers_add(timers, 10, tell, "in the order of their times");
    zmq_timers_add(timers, 20, tell, "in the order of their times");
    zmq_timers_add(timers, 100000, tell, "in the order of their times");
    say_result("not before its time", zmq_timers_execute(timers) * calls);
    pause_ms(100);
    say("due", "%ld", zmq_timers_timeout(timers));
    say_result("in the order of their times", zmq_timers_execute(timers));
    pause_ms(100);
    say_result("again and again", zmq_timers_execute(timers));
    say("again and again", "%d", calls);
    zmq_timers_destroy(&timers);
}

static void handlers_change_timers(void)
{
    timers = zmq_timers_new();
    zmq_timers_add(timers, 1, cancel_itself, "one that cancels itself");
    pause_ms(20);
    say_result("one that cancels itself", zmq_timers_execute(timers));
    say("one that cancels itself", "%ld", zmq_timers_timeout(timers));
    zmq_timers_add(timers, 1, add_one, "one that adds another");
    pause_ms(20);
    say_result("one that adds another", zmq_timers_execute(timers));
    say("one that adds another", "%d", zmq_timers_timeout(timers) > 0);
    zmq_timers_destroy(&timers);

    timers = zmq_timers_new();
    zmq_timers_add(timers, 1, cancel_next, "one that cancels the next");
    zmq_timers_add(timers, 40000, tell, "one that cancels the next");
    pause_ms(20);
    say_result("one that cancels the next", zmq_timers_execute(timers));
    zmq_timers_destroy(&timers);
}

int main(void)
{
    errors();
    order();
    handlers_change_timers();
    return 0;
}
