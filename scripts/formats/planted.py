#!/usr/bin/env python3
"""Plants shell code and options in every id, ARN and name of snapshot folders: the fix script that comes of it, run with a
stub in place of the AWS CLI, must start nothing else, and bring no option of its own.

    planted.py AUDIT FOLDER…
"""

import json
import pathlib
import re
import subprocess
import sys
import tempfile

from fixes import run_stubbed

PLANTED = ["$(>pwned)", "`>pwned`", "'; >pwned; '", '"; >pwned; "', "\n>pwned\n", "\u202e\u200b x", " --profile evil", "${x}"]
IDS = re.compile(r"\b((?:vpc|sg|subnet|rtb|acl|vpce|pl|i|eni|igw|nat|dopt)-[0-9a-f]{8,17})\b")
ARNS = re.compile(r"((?:cluster|service|container-instance|task|task-definition|role)/[A-Za-z0-9_/-]+)")
NAMES = re.compile(r'"(clusterName|serviceName|Value|RoleName|family)": ?"([^"]*)"')


def main():
    audit, *folders = sys.argv[1:]
    bad = runs = 0
    for source in map(pathlib.Path, folders):
        for evil in PLANTED:
            text = json.dumps(evil)[1:-1]
            with tempfile.TemporaryDirectory() as folder:
                for path in source.glob("*.json"):
                    body = path.read_text()
                    if path.name != "audit-snapshot.json":
                        for pattern in (IDS, ARNS):
                            body = pattern.sub(lambda m: m[1] + text, body)
                        body = NAMES.sub(lambda m: f'"{m[1]}": "{m[2]}{text}"', body)
                    pathlib.Path(folder, path.name).write_text(body)
                ran = subprocess.run([audit, "--snapshot", folder, "--format", "fix"], capture_output=True, text=True, check=False)
            if ran.returncode == 2:
                continue
            runs += 1
            status, calls, strange, said = run_stubbed(ran.stdout)
            if status or strange or said or any("evil" in word for call in calls for word in call):
                bad += 1
                print(f"{source.name} with {evil!r}: status {status}, made {strange}, calls {calls[:2]}, {said[:200]}")
    print(f"{runs} scenes with planted ids: {bad or 'nothing'} to complain of")
    return bad > 0 or runs == 0


if __name__ == "__main__":
    sys.exit(main())
