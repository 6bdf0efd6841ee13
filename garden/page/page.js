// The page: what the model knows, drawn once a frame, by the parts that show it.
import {garden, live, refresh} from './ask.js';
import {drawLog} from './events.js';
import {drawParticipants, drawStats} from './lanes.js';
import {drain, mark, model, takeMarks, waiting} from './state.js';
import {drawMeters, drawSources, drawStreams} from './streams.js';
import {drawPlayhead, drawProgress, drawRegions, drawTransport} from './timeline.js';

const LOG_MS = 100; // between two drawings of the list of events

// What is drawn when it was marked, in this order.
const PARTS = {transport: drawTransport, regions: drawRegions, progress: drawProgress, participants: drawParticipants,
               sources: drawSources, streams: drawStreams, stats: drawStats};

let frames = 0, loggedAt = 0;
function frame()
{
    const now = performance.now();
    frames++;
    if (drain(now)) refresh(50);
    const marked = takeMarks();
    drawPlayhead(now);
    for (const [part, draw] of Object.entries(PARTS)) if (marked(part)) draw();
    // Nobody reads faster than that, and laying the rows out costs more than all the rest.
    if (marked('log') && now - loggedAt < LOG_MS) {
        mark('log');
    } else if (marked('log')) {
        loggedAt = now;
        drawLog();
    }
    drawMeters(now);
}

// What a test asks the page about.
globalThis.gardenPage = {model, garden, live, frames: () => frames, backlog: waiting};

(function loop() {
    requestAnimationFrame(loop); // first: what goes wrong in one frame ends that one
    frame();
})();
// A page that nobody sees gets no frames, and must not fill up meanwhile.
setInterval(() => document.hidden && drain(performance.now()), 1000);
