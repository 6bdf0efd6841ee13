// jszmq, a library of others, subscribes to the lane that the page reads: jszmq.mjs ENDPOINT FOLDER. Prints the
// names of the first events that it gets, one a line.
import {createRequire} from 'node:module';

const [endpoint, folder] = process.argv.slice(2);
const zmq = createRequire(`${folder}/`)('jszmq');
const sub = zmq.socket('sub');
sub.on('message', octets => {
    const {content} = JSON.parse(octets.toString());
    console.log(typeof content === 'string' ? content : Object.keys(content)[0]);
});
sub.connect(endpoint);
sub.subscribe('');
