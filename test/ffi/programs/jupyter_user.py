#!/usr/bin/python3
"""A real kernel of Jupyter and a real client, each a process with the library: cells, an interrupt, a restart, an end."""
import json
import time

from jupyter_client.manager import KernelManager

WAIT_S = 60
count = 0


def check(ok, name):
    global count
    count += 1
    print(f'{"ok" if ok else "not ok"} {count} - {name}', flush=True)


def paths():
    return sorted({line.split()[-1] for line in open('/proc/self/maps') if 'libzmq' in line})


def run(client, code, wait=True):
    """The reply's status, and what the cell wrote."""
    seen = []
    if wait:
        reply = client.execute_interactive(code, timeout=WAIT_S, output_hook=seen.append)
        return reply['content'], ''.join(m['content'].get('text', '') for m in seen if m['msg_type'] == 'stream')
    return client.execute(code)


def started(manager):
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=WAIT_S)
    return client


manager = KernelManager(kernel_name='python3')
manager.start_kernel()
client = started(manager)
check(client.is_alive(), 'a kernel starts, and its heartbeat beats')
check(run(client, 'a = 6 * 7\nprint(a)') [1] == '42\n', 'a cell runs, and its output comes through iopub')
check(run(client, '1 / 0')[0]['ename'] == 'ZeroDivisionError', 'a cell fails, and its reply says how')
check(run(client, 'print("x" * 300000)')[1] == 'x' * 300000 + '\n', '300 kB of output')
check(all(run(client, f'print({i})')[1] == f'{i}\n' for i in range(30)), '30 cells, one after another')
text = run(client, 'import json\nprint(json.dumps(sorted({l.split()[-1] for l in open("/proc/self/maps") if "libzmq" in l})))')[1]
check(json.loads(text) == paths(), 'the kernel has the same library as the client')
client.complete('a.bit_l', 7)
check('bit_length' in ' '.join(client.get_shell_msg(timeout=WAIT_S)['content']['matches']), 'a completion')
run(client, 'print("busy", flush=True)\nimport time\nwhile True: time.sleep(0.05)', wait=False)
while True:
    message = client.get_iopub_msg(timeout=WAIT_S)
    if message['msg_type'] == 'stream' and 'busy' in message['content']['text']:
        break
manager.interrupt_kernel()
check(client.get_shell_msg(timeout=WAIT_S)['content'].get('ename') == 'KeyboardInterrupt', 'R4: an interrupt ends a cell')
reply = text = None
while reply is None or reply['status'] == 'aborted':  # as a kernel answers what was asked while a cell failed
    reply, text = run(client, 'print(a)')
check(text == '42\n', 'the kernel goes on after it')
manager.restart_kernel(now=False)
client.wait_for_ready(timeout=WAIT_S)
check(run(client, 'print(a)')[0].get('ename') == 'NameError', 'after a restart on the same ports, the old names are gone')
check(run(client, 'print(1)')[1] == '1\n', 'and cells run')
client.stop_channels()
client = started(manager)
check(run(client, 'print(2)')[1] == '2\n', 'a second client after the first has gone')
begun = time.monotonic()
client.stop_channels()
manager.shutdown_kernel(now=False)
check(not manager.is_alive() and time.monotonic() - begun < WAIT_S, 'a shutdown ends the kernel')
for path in paths():
    print('# maps', path)
print(f'1..{count}')
