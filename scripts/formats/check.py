#!/usr/bin/env python3
"""Checks reports in every format with outside validators. See formats.sh."""

import collections
import csv
import io
import json
import pathlib
import re
import subprocess
import sys
import tempfile

import cmarkgfm
import html5lib
import jsonschema
import junitparser
from awscli.botocore.session import Session
from awscli.botocore.validate import ParamValidator
from cmarkgfm.cmark import Options
from fixes import Fixes
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

# One megabyte of a job's summary, and what a line of it may hold.
SUMMARY = 1024 * 1024
ANNOTATION = re.compile(r"::(error|warning|notice) (?:[a-zA-Z]+=[^,:\r\n]*)(?:,[a-zA-Z]+=[^,:\r\n]*)*::[^\r\n]+")
TREACHEROUS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]")


class Formats:
    def __init__(self):
        schema = OcsfJsonSchemaEmbedded(get_ocsf_schema(version="1.5.0")).get_class_schema("compliance_finding", profiles=["cloud", "datetime"])
        self.ocsf_validator = jsonschema.Draft202012Validator(schema)
        model = Session().get_service_model("securityhub")
        self.asff_shape = model.operation_model("BatchImportFindings").input_shape

    def sarif(self, text, report):
        json.loads(text)
        return []

    def html(self, text, report):
        parser = html5lib.HTMLParser(strict=True)
        try:
            parser.parse(text)
        except Exception as error:
            yield f"html5lib: {error!r} at {parser.errors[-1:]}"

    def markdown(self, text, report):
        if len(text.encode()) >= SUMMARY:
            yield f"{len(text.encode())} bytes"
        page = html5lib.parse(cmarkgfm.github_flavored_markdown_to_html(text, options=Options.CMARK_OPT_UNSAFE), namespaceHTMLElements=False)
        tags = collections.Counter(e.tag for e in page.iter() if isinstance(e.tag, str))
        for tag in set(tags) - set("html head body h1 h2 h3 h4 p em strong code pre table thead tbody tr th td ul ol li a details summary br del blockquote b".split()):
            yield f"a <{tag}> came of it"
        for link in page.iter("a"):
            if not link.get("href", "").startswith(("https://docs.aws.amazon.com/", "https://github.com/", "https://")):
                yield f"a link to {link.get('href')}"
        if report["paths"] and not tags["table"]:
            yield "no table"

    def junit(self, text, report):
        suites = junitparser.JUnitXml.fromstring(text.encode())
        names = collections.Counter((case.classname, case.name) for suite in suites for case in suite)
        for name, n in names.items():
            if n > 1 or not all(name):
                yield f"the case {name} is there {n} times"
        for suite in suites:
            cases = list(suite)
            for key, kind in (("failures", junitparser.Failure), ("errors", junitparser.Error), ("skipped", junitparser.Skipped)):
                found = sum(isinstance(r, kind) for c in cases for r in c.result)
                if getattr(suite, key) != found:
                    yield f"{suite.name}: {key} is {getattr(suite, key)}, and there are {found}"
            if suite.tests != len(cases):
                yield f"{suite.name}: {suite.tests} tests, and there are {len(cases)}"

    def github(self, text, report):
        for line in text.splitlines():
            if line.startswith("::") and not line.startswith(("::group::", "::endgroup::")) and not ANNOTATION.fullmatch(line):
                yield f"no workflow command: {line}"
        counts = collections.Counter(re.findall(r"^::(error|warning)", text, re.M))
        for kind, n in counts.items():
            if n > 10:
                yield f"{n} of {kind}: the runner shows 10"

    def ocsf(self, text, report):
        events = json.loads(text)
        if len(events) != len(report["findings"]):
            yield f"{len(events)} events of {len(report['findings'])} findings"
        for event in events:
            for error in self.ocsf_validator.iter_errors(event):
                yield f"{'/'.join(map(str, error.absolute_path))}: {error.message[:200]}"
            if event["time"] < 1_500_000_000_000:
                yield f"the time is {event['time']}"

    def asff(self, text, report):
        findings = json.loads(text)
        for at in range(0, len(findings), 100):
            found = ParamValidator().validate({"Findings": findings[at : at + 100]}, self.asff_shape)
            if found.has_errors():
                yield found.generate_report()
        ids = collections.Counter(f["Id"] for f in findings)
        for finding in findings:
            yield from self.asff_limits(finding)
            if ids[finding["Id"]] > 1:
                yield f"{finding['Id']} twice"

    @staticmethod
    def asff_limits(f):
        """Limits that the shape does not hold, by the user guide's page on required and optional attributes."""
        limits = {"Title": 256, "Description": 1024, "GeneratorId": 512, "Id": 512}
        for key, most in limits.items():
            if not 1 <= len(f[key]) <= most:
                yield f"{key}: {len(f[key])} characters"
        if len(f["Remediation"]["Recommendation"]["Text"]) > 512:
            yield "Recommendation.Text over 512"
        if not 1 <= len(f["Resources"]) <= 32 or len(f["ProductFields"]) > 50 or len(f["Types"]) > 50:
            yield "too many or too few resources, fields or types"
        if len(json.dumps(f).encode()) > 240_000:
            yield "over 240 KB"
        if not re.fullmatch(r"\d{12}", f["AwsAccountId"]) or f["CreatedAt"] < "2017" or len(f["Compliance"].get("StatusReasons", [])) > 20:
            yield f"account {f['AwsAccountId']}, created {f['CreatedAt']}"

    def csv(self, text, report):
        csv.field_size_limit(10_000_000)
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
        if len({len(r) for r in rows}) != 1:
            yield "rows of different length"
        if len(rows) - 1 != len(report["findings"]):
            yield f"{len(rows) - 1} rows of {len(report['findings'])} findings"
        for cell in (c for r in rows for c in r):
            if len(cell) > 32_767:
                yield f"{len(cell)} characters in a cell"
            if re.match(r"[=+\-@\t\r]", cell):
                yield f"a formula: {cell[:60]}"

    def table(self, text, report):
        """Nothing but ids and names, which cannot be broken, is wider than the page."""
        for line in text.splitlines():
            # A command stays in one piece, to be copied.
            if len(line) > 100 and len(line.split()) > 1 and max(map(len, line.split())) < 60 and not line.startswith("    $ "):
                yield f"{len(line)} columns: {line}"


def report_of(audit, source):
    """The JSON report of a folder, of the demo, or of a report's file; None where it cannot be audited (status 2)."""
    path = pathlib.Path(source)
    if path.is_file():
        return path.read_bytes()
    ran = subprocess.run([audit, *(["--demo"] if source == "--demo" else ["--snapshot", source]), "--format", "json"], capture_output=True, check=False)
    if ran.returncode == 2:
        print(f"skipped {source}: {ran.stderr.decode().strip()[:120]}", file=sys.stderr)
        return None
    return ran.stdout


def main():
    audit, *sources = sys.argv[1:]
    audit, sources = str(pathlib.Path(audit).resolve()), [s if s.startswith("--") else str(pathlib.Path(s).resolve()) for s in sources]
    formats, fixes, bad, reports = Formats(), Fixes(), 0, 0

    def complain(source, what, complaints):
        nonlocal bad
        for complaint in complaints:
            bad += 1
            print(f"{pathlib.Path(source).name}: {what}: {complaint}")

    for source in sources:
        if source.endswith(".fixes"):
            for line in pathlib.Path(source).read_text().splitlines():
                complain(source, "fix", fixes.remediation(json.loads(line)))
            continue
        raw = report_of(audit, source)
        if raw is None:
            continue
        reports += 1
        report = json.loads(raw)
        with tempfile.TemporaryDirectory() as folder:
            here = pathlib.Path(folder)
            (here / "report.json").write_bytes(raw)
            names = ["sarif", "html", "markdown", "junit", "github", "ocsf", "asff", "csv", "fix"]
            outputs = [a for n in names for a in ("--output", f"{n}={here / n}")]
            ran = subprocess.run([audit, "convert", str(here / "report.json"), "--format", "table", *outputs, "--output", f"fix={here / 'fix.tf'}"], capture_output=True, check=False)
            if ran.returncode:
                complain(source, "convert", [f"status {ran.returncode}: {ran.stderr.decode()}"])
                continue
            (here / "table").write_bytes(ran.stdout)
            for name in [*names, "table"]:
                text = (here / name).read_bytes().decode()
                if TREACHEROUS.search(text.replace("\r\n", "\n")):
                    complain(source, name, [f"holds {TREACHEROUS.search(text.replace(chr(13) + chr(10), chr(10)))[0]!r}"])
                complain(source, name, fixes.script(text) if name == "fix" else getattr(formats, name)(text, report))
            text = (here / "fix.tf").read_text()
            if "resource" in text:
                complain(source, "fix.tf", fixes.hcl(text))
        for finding in report["findings"]:
            if not pathlib.Path(source).name.startswith("hostile"):
                complain(source, finding["rule"], fixes.remediation(finding["remediation"]))
    complain("-", "fix", fixes.cloudformation())
    said = ", ".join(f"{n} {what}" for what, n in fixes.counts.items())
    print(f"{reports} reports in every format; {said}: {'nothing' if not bad else bad} to complain of")
    return bad > 0


if __name__ == "__main__":
    sys.exit(main())
