"""How the scripts here report what they checked, in TAP, as it comes."""
count = 0


def check(ok, name, *why):
    """One test; |why| are lines, told where it failed."""
    global count
    count += 1
    print(f'{"ok" if ok else "not ok"} {count} - {name}', flush=True)
    for line in () if ok else why:
        print(f'# {line}', flush=True)


def skip(name, why):
    global count
    count += 1
    print(f'ok {count} - {name} # SKIP {why}', flush=True)


def plan():
    """At the end: how many there were."""
    print(f'1..{count}', flush=True)
