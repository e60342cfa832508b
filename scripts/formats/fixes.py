"""What a finding proposes: is each command one that the AWS CLI takes, each block HCL, each snippet CloudFormation?"""

import contextlib
import hashlib
import io
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import hcl2
from awscli.clidriver import create_clidriver

BIN = pathlib.Path(__file__).parent
# Files that a proposed command names: what they hold is the reader's.
DRAFTS = ["policy.json"]
# Stands in for the AWS CLI: notes its words, and answers with what looks like an id.
STUB = """#!/bin/sh
{ for word in "$@"; do printf '%s\\0' "$word"; done; printf '\\n\\0'; } >>"$WORDS"
echo stub-0123456789abcdef0
"""


# Ids as the tests of rules make them up, which no template may hold.
ID = re.compile(r"\b(vpc|sg|subnet|rtb|acl|vpce|pl)-(?![0-9a-f]{8}\b|[0-9a-f]{17}\b)[a-z0-9-]+")


def plausible(text):
    """Text with every made-up id replaced by one of AWS's shape."""
    return ID.sub(lambda m: f"{m[1]}-{hashlib.sha1(m[0].encode()).hexdigest()[:17]}", text)


class Answer:
    status_code = 200


class Cli:
    """The AWS CLI's own parser and the checks of its client, up to the point where it would send."""

    def __init__(self):
        os.environ.update(AWS_ACCESS_KEY_ID="x", AWS_SECRET_ACCESS_KEY="x", AWS_EC2_METADATA_DISABLED="true", AWS_CONFIG_FILE=os.devnull, AWS_SHARED_CREDENTIALS_FILE=os.devnull)
        self.sent = []
        self.known = {}
        self.loader = create_clidriver().session.get_component("data_loader")

    def _stop(self, model, **_):
        self.sent.append(model.name)
        return Answer(), {}

    def complaint(self, words):
        """None where the command is good, else what the CLI says."""
        key = tuple(words)
        if key not in self.known:
            self.known[key] = self._ask(words)
        return self.known[key]

    def _ask(self, words):
        self.sent.clear()
        # One of its own a command: a driver keeps options of earlier ones. What it reads of services is kept.
        driver = create_clidriver()
        driver.session.register_component("data_loader", self.loader)
        driver.session.register("before-call.*", self._stop)
        said = io.StringIO()
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
            try:
                status = driver.main(list(words))
            except SystemExit as end:
                status = end.code
        if status == 0 and self.sent:
            return None
        return f"status {status}, sent {self.sent}: {said.getvalue().strip().splitlines()[-1:]}"


def run_stubbed(script):
    """Runs a script in bash with a stub in place of `aws`. Status, the words of each call, and files that appeared."""
    with tempfile.TemporaryDirectory() as folder:
        here = pathlib.Path(folder)
        (here / "bin").mkdir()
        stub = here / "bin" / "aws"
        stub.write_text(STUB)
        stub.chmod(0o755)
        work = here / "work"
        work.mkdir()
        for name in DRAFTS:
            (work / name).write_text('{"Version":"2012-10-17","Statement":[]}')
        words = here / "words"
        words.touch()
        # Nothing but the stub and the shell's own commands can be run.
        ran = subprocess.run([shutil.which("bash"), "-c", script], cwd=work, env={"PATH": str(here / "bin"), "WORDS": str(words)}, capture_output=True, text=True, check=False)
        calls = [call.split("\0")[:-1] for call in words.read_bytes().decode().split("\n\0")[:-1]]
        strange = sorted(p.name for p in work.iterdir() if p.name not in DRAFTS)
        return ran.returncode, calls, strange, ran.stderr


class Fixes:
    def __init__(self):
        self.cli = Cli()
        self.terraform = shutil.which("terraform")
        self.lint = {}
        self.counts = {"commands": 0, "Terraform blocks": 0, "CloudFormation snippets": 0, "scripts": 0}
        self.snippets = {}
        self.blocks = {}
        here = tempfile.mkdtemp()
        for name in DRAFTS:
            pathlib.Path(here, name).write_text("{}")
        os.chdir(here)

    def commands(self, script):
        """Complaints about a script of `aws` commands."""
        status, calls, strange, said = run_stubbed(script)
        if status != 0:
            yield f"bash: status {status}: {said.strip()}: {script}"
        if strange:
            yield f"made files {strange}: {script}"
        if not calls and re.search(r"^aws ", script, re.M):
            yield f"no call came of it: {script}"
        for words in calls:
            self.counts["commands"] += 1
            complaint = self.cli.complaint(words)
            if complaint:
                yield f"aws {' '.join(words)}: {complaint}"

    def remediation(self, remediation):
        for command in remediation["commands"]:
            if command.startswith("aws "):
                yield from self.commands(command)
            elif re.match(r"(sudo |# |docker |systemctl |audit |dig )", command) is None:
                yield f"neither an aws command nor one for the instance: {command}"
        if remediation.get("terraform"):
            yield from self.hcl(remediation["terraform"])
        if remediation.get("cloudformation"):
            self.snippets.setdefault(plausible(remediation["cloudformation"]), None)

    def hcl(self, text):
        """Complaints about Terraform text."""
        if text in self.blocks:
            return
        self.counts["Terraform blocks"] += 1
        self.blocks[text] = None
        try:
            if not hcl2.loads(text + "\n").get("resource"):
                yield f"no resource in: {text}"
        except Exception as error:  # the parser's own errors have no common base
            yield f"hcl2: {error}: {text}"
        if self.terraform:
            ran = subprocess.run([self.terraform, "fmt", "-check", "-diff", "-"], input=text.rstrip("\n") + "\n", capture_output=True, text=True, check=False, env={**os.environ, "TF_CLI_CONFIG_FILE": os.devnull})
            if ran.returncode:
                yield f"terraform fmt: {ran.stdout}{ran.stderr}"

    def cloudformation(self):
        """Complaints about all snippets, each linted as a template of its own."""
        with tempfile.TemporaryDirectory() as folder:
            for number, text in enumerate(self.snippets):
                self.counts["CloudFormation snippets"] += 1
                indented = "".join(f"  {line}\n" if line else "\n" for line in text.splitlines())
                pathlib.Path(folder, f"{number:04}.yaml").write_text(f"AWSTemplateFormatVersion: '2010-09-09'\nResources:\n{indented}")
            if not self.snippets:
                return
            lint = pathlib.Path(os.sys.prefix, "bin", "cfn-lint")
            ran = subprocess.run([lint, "--format", "json", "--regions", "us-east-2", "--", *sorted(str(p) for p in pathlib.Path(folder).iterdir())], capture_output=True, text=True, check=False)
            for found in json.loads(ran.stdout or "[]"):
                text = list(self.snippets)[int(pathlib.Path(found["Filename"]).stem)]
                yield f"cfn-lint {found['Rule']['Id']}: {found['Message']}: {text}"

    def script(self, text):
        """Complaints about a whole script: it runs, and shellcheck has nothing to say."""
        self.counts["scripts"] += 1
        yield from self.commands(text)
        ran = subprocess.run([pathlib.Path(os.sys.prefix, "bin", "shellcheck"), "--format", "gcc", "-"], input=text, capture_output=True, text=True, check=False)
        if ran.returncode:
            yield f"shellcheck: {ran.stdout}"
