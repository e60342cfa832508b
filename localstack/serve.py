#!/usr/bin/env python3
"""moto with scenes in it, on 127.0.0.1: localstack/.venv/bin/python localstack/serve.py [SCENE.yaml…] [--port N] [--page N]

Without scenes, all of localstack/scenes. Prints one line of JSON when it is ready: {"url": …}. Each scene is a region of its
own. To plain moto it adds: fields that moto cannot be told by its own calls (`set` steps), answers to operations that it
lacks, answers that it gets wrong (mend.py), and pages: `--page 2` has never more than two items on one.
"""

import argparse
import io
import json
import os
import pathlib
import re
import sys
import threading
import xml.etree.ElementTree as ET

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "scripts/scenes")]
ACCOUNT = "444455556666"
os.environ |= {"MOTO_ACCOUNT_ID": ACCOUNT, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "MOTO_ENABLE_ISO_REGIONS": "false"}

import boto3  # noqa: E402
import moto  # noqa: E402
import wire  # noqa: E402
from mend import mend, set_fields  # noqa: E402
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app  # noqa: E402
from scene import Builder, load  # noqa: E402
from werkzeug.serving import WSGIRequestHandler, make_server  # noqa: E402

PROVIDERS = [{"capacityProviderArn": f"arn:aws:ecs:us-east-1:{ACCOUNT}:capacity-provider/{n}", "name": n, "status": "ACTIVE", "type": n} for n in ("FARGATE", "FARGATE_SPOT")]
# What an account that does not use these things answers.
CANNED = {
    "ec2:DescribeVpcBlockPublicAccessOptions": {"VpcBlockPublicAccessOptions": {"AwsAccountId": ACCOUNT, "State": "default-state", "InternetGatewayBlockMode": "off"}},
    "ec2:DescribeVpcBlockPublicAccessExclusions": {"VpcBlockPublicAccessExclusions": []},
    "ec2:DescribeSecurityGroupVpcAssociations": {"SecurityGroupVpcAssociations": []},
    "ecs:DescribeCapacityProviders": {"capacityProviders": PROVIDERS, "failures": []},
    "ecr:DescribePullThroughCacheRules": {"pullThroughCacheRules": []},
    "guardduty:ListDetectors": {"DetectorIds": []},
    "route53profiles:ListProfileAssociations": {"ProfileAssociations": []},
    "route53resolver:ListFirewallRuleGroupAssociations": {"FirewallRuleGroupAssociations": []},
    "route53resolver:ListFirewallConfigs": {"FirewallConfigs": []},
    "cloudtrail:LookupEvents": {"Events": []},
}
PATHS = {"/detector": "ListDetectors", "/profileassociations": "ListProfileAssociations"}
TOKEN = "page-"


def build(paths):
    canned = {}
    for path in paths:
        scene = load(path)
        region = scene["region"]
        mock = moto.mock_aws(config={"core": {"mock_credentials": False, "reset_boto3_session": False}})
        mock.start(reset=False)
        later = []
        try:
            Builder(scene, lambda service: boto3.client(service, region_name=region), lambda *what: later.append(what)).run()
        finally:
            mock.stop(remove_data=False)
        mend(ACCOUNT, region)
        for kind, id, fields in later:
            set_fields(kind, id, fields, ACCOUNT, region)
        canned |= {(region, operation): output for operation, output in scene.get("canned", {}).items()}
    return canned


class Application:
    """moto, with canned answers before it and pages behind it."""

    def __init__(self, canned, page):
        self.moto, self.canned, self.page = DomainDispatcherApplication(create_backend_app), canned, page

    def __call__(self, environ, start):
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        service, region, operation = asked(environ, body)
        known = self.canned.get((region, f"{service}:{operation}")) or CANNED.get(f"{service}:{operation}")
        if known is not None:
            status, text = wire.body(service, operation, known)
            data = text.encode()
            start(f"{status} Canned", [("Content-Length", str(len(data)))])
            return [data]
        # moto would take a token of ours for one of its own.
        plain = re.sub(rb"&NextToken=page-\d+|\"[nN]extToken\": ?\"page-\d+\",?", b"", body).replace(b",}", b"}")
        environ |= {"wsgi.input": io.BytesIO(plain), "CONTENT_LENGTH": str(len(plain))}
        answer = {}
        data = b"".join(self.moto(environ, lambda status, headers, exc=None: answer.update(status=status, headers=headers)))
        if self.page and answer["status"].startswith("200"):
            data = cut(data, body.decode(), environ.get("QUERY_STRING", ""), self.page, operation)
        headers = [(k, v) for k, v in answer["headers"] if k.lower() != "content-length"]
        start(answer["status"], [*headers, ("Content-Length", str(len(data)))])
        return [data]


def asked(environ, body):
    """Service, region and operation of a signed request."""
    scope = environ.get("HTTP_AUTHORIZATION", "").partition("Credential=")[2].split("/")
    region, service = (scope[2], scope[3]) if len(scope) > 3 else ("", "")
    target = environ.get("HTTP_X_AMZ_TARGET", "").rpartition(".")[2]
    form = next((p[7:] for p in body.decode(errors="replace").split("&") if p.startswith("Action=")), "")
    return service, region, target or form or PATHS.get(environ["PATH_INFO"], "")


def cut(data, body, query, size, operation):
    """One page of an answer that has a list; other answers as they are."""
    start = next((int(part.split(TOKEN)[1].split("&")[0].split('"')[0]) for part in (body, query) if TOKEN in part), 0)
    text = data.decode()
    if text.startswith("{"):
        whole = json.loads(text)
        lists = [k for k, v in whole.items() if isinstance(v, list) and k != "failures"]
        if not operation.startswith("List") or len(lists) != 1 or len(whole[lists[0]]) <= size:
            return data
        items = whole[lists[0]]
        whole[lists[0]] = items[start : start + size]
        if start + size < len(items):
            whole["NextToken" if lists[0][0].isupper() else "nextToken"] = f"{TOKEN}{start + size}"
        return json.dumps(whole).encode()
    root = ET.fromstring(text)
    lists = [child for child in root if len(child) and child[0].tag.endswith("}item")]
    if len(lists) != 1 or len(lists[0]) <= size or operation == "DescribeVpcEndpointServices":
        return data
    items = list(lists[0])
    for item in [*items[:start], *items[start + size :]]:
        lists[0].remove(item)
    if start + size < len(items):
        ET.SubElement(root, root.tag.partition("}")[0] + "}nextToken").text = f"{TOKEN}{start + size}"
    return ET.tostring(root)


class Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_request(self, *_):
        pass


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenes", nargs="*", default=sorted(HERE.glob("scenes/*.yaml")))
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--page", type=int, help="most items on one page")
    parser.add_argument("--until-eof", action="store_true", help="end when standard input does")
    arguments = parser.parse_args()
    canned = build(arguments.scenes)
    server = make_server("127.0.0.1", arguments.port, Application(canned, arguments.page), threaded=True, request_handler=Quiet)
    print(json.dumps({"url": f"http://127.0.0.1:{server.server_port}"}), flush=True)
    if arguments.until_eof:
        threading.Thread(target=lambda: (sys.stdin.read(), server.shutdown()), daemon=True).start()
    server.serve_forever()


if __name__ == "__main__":
    main()
