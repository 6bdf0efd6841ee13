#!/usr/bin/python3
"""The official SDK's client against garden-mcp and a real gardend: sdk.mjs, which reports in TAP.

The SDK comes from npm, at the versions in package-lock.json, into O/mcp-sdk. Without node, npm or the registry all
of it is skipped, and counted as that.
"""
import os
import re
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.abspath(os.path.join(os.environ.get("O", "build"), "mcp-sdk"))
SDK = "node_modules/@modelcontextprotocol/sdk/package.json"


def missing():
    """Why it cannot be run; None: it can."""
    for program in ("node", "npm"):
        if not shutil.which(program):
            return f"{program} is not installed: make deps"
    os.makedirs(OUT, exist_ok=True)
    same = os.path.exists(os.path.join(OUT, SDK))
    for name in ("package.json", "package-lock.json"):
        with open(os.path.join(HERE, name), encoding="utf-8") as file:
            wanted = file.read()
        path = os.path.join(OUT, name)
        if not os.path.exists(path) or open(path, encoding="utf-8").read() != wanted:
            same = False
            with open(path, "w", encoding="utf-8") as file:
                file.write(wanted)
    if same:
        return None
    done = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=OUT, capture_output=True,
                          text=True, timeout=60, check=False)
    return None if done.returncode == 0 else "npm has no SDK: " + done.stderr.strip().splitlines()[-1]


def main():
    with open(os.path.join(HERE, "sdk.mjs"), encoding="utf-8") as file:
        text = file.read()
    names = [f"{name.replace('_', ' ')} over {transport}" for transport in ("stdio", "http")
             for name in re.findall(r"^async function (\w+)\(stage\)", text, re.M)]
    why = missing()
    if why:
        print(f"1..{len(names)}")
        for number, name in enumerate(names, 1):
            print(f"ok {number} - {name} # SKIP {why}")
        return 0
    # Modules are looked for beside the script.
    script = os.path.join(OUT, "sdk.mjs")
    with open(script, "w", encoding="utf-8") as file:
        file.write(text)
    bin_folder = os.path.abspath(os.path.join(os.environ.get("O", "build"), "bin"))
    return subprocess.run(["node", script], env=dict(os.environ, BIN=bin_folder), stdin=subprocess.DEVNULL,
                          check=False).returncode


sys.exit(main())
