"""Turns outputs as the AWS CLI prints them into the bodies that AWS sends, by botocore's own models of the services.

A body is laid out in lines: what comes before the items of its list, one line for each item, what comes after. So a reader
can cut it into pages without knowing XML.
"""

import datetime
import functools
import json
import urllib.parse
from xml.sax.saxutils import escape

from botocore.loaders import Loader
from botocore.model import ServiceModel

# The list that is paged, where an output has several.
PAGED = {"DescribeVpcEndpointServices": "ServiceDetails"}


@functools.cache
def service_model(service):
    return ServiceModel(Loader().load_service_model(service, "service-2"), service)


def body(service, operation, output):
    """Status and body of one answer; the output may be `{"Error": {"Code": …}}`."""
    model = service_model(service)
    protocol = model.metadata["protocol"]
    if "Error" in output:
        return 404 if service == "iam" else 400, error(protocol, output["Error"])
    shape = model.operation_model(operation).output_shape
    paged = PAGED.get(operation) or next((n for n, m in shape.members.items() if m.type_name == "list" and n != "failures" and n in output), None)
    items = output.get(paged, []) if paged else None
    rest = {k: v for k, v in output.items() if k != paged}
    if protocol in ("ec2", "query", "rest-xml"):
        return 200, xml_body(model, protocol, operation, shape, paged, items, rest)
    return 200, json_body(shape, paged, items, rest)


def error(protocol, cause):
    code, message = cause["Code"], cause.get("Message", "recorded")
    if protocol == "ec2":
        return f"<Response><Errors><Error><Code>{code}</Code><Message>{escape(message)}</Message></Error></Errors><RequestID>recorded</RequestID></Response>"
    if protocol in ("query", "rest-xml"):
        return f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{escape(message)}</Message></Error><RequestId>recorded</RequestId></ErrorResponse>"
    return json.dumps({"__type": code, "message": message})


def xml_body(model, protocol, operation, shape, paged, items, rest):
    namespace = model.metadata.get("xmlNamespace") or f"http://ec2.amazonaws.com/doc/{model.metadata['apiVersion']}/"
    namespace = namespace if isinstance(namespace, str) else namespace["uri"]
    opening, closing = f'<{operation}Response xmlns="{namespace}">', f"</{operation}Response>"
    if protocol == "ec2":
        opening += "<requestId>recorded</requestId>"
    if protocol == "query":
        opening, closing = opening + f"<{operation}Result>", f"</{operation}Result><ResponseMetadata><RequestId>recorded</RequestId></ResponseMetadata>" + closing
    around = xml(shape, rest)
    if paged is None:
        return opening + around + closing
    member = shape.members[paged]
    tag, one = tag_of(paged, member), member.member.serialization.get("name") or "member"
    lines = [f"<{one}>{xml(member.member, item)}</{one}>" for item in items]
    return "\n".join([f"{opening}<{tag}>", *lines, f"</{tag}>{around}{closing}"])


def tag_of(name, member):
    return member.serialization.get("name") or name


def xml(shape, value):
    """The text inside an element."""
    kind = shape.type_name
    if kind == "structure":
        parts = []
        for name, member in shape.members.items():
            if value.get(name) is not None:
                tag = tag_of(name, member)
                parts.append(f"<{tag}>{xml(member, value[name])}</{tag}>")
        return "".join(parts)
    if kind == "list":
        one = shape.member.serialization.get("name") or "member"
        return "".join(f"<{one}>{xml(shape.member, item)}</{one}>" for item in value)
    if kind == "boolean":
        return "true" if value else "false"
    if kind == "timestamp":
        return moment(value).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    if isinstance(value, dict):  # a policy of IAM travels encoded
        return urllib.parse.quote(json.dumps(value))
    return escape(str(value))


def json_body(shape, paged, items, rest):
    rest = plain(shape, rest)
    if paged is None:
        return json.dumps(rest)
    member = shape.members[paged]
    lines = [json.dumps(plain(member.member, item)) for item in items]
    after = "".join(f", {json.dumps(k)}: {json.dumps(v)}" for k, v in rest.items())
    joined = ",\n".join(lines)
    return f"{{{json.dumps(tag_of(paged, member))}: [\n{joined}" + ("\n" if lines else "") + f"]{after}}}"


def plain(shape, value):
    """A value with the names and the times of the wire."""
    kind = shape.type_name
    if kind == "structure":
        return {tag_of(n, shape.members[n]): plain(shape.members[n], v) for n, v in value.items() if n in shape.members and v is not None}
    if kind == "list":
        return [plain(shape.member, v) for v in value]
    if kind == "map":
        return {k: plain(shape.value, v) for k, v in value.items()}
    if kind == "timestamp":
        return moment(value).timestamp()
    return value


def moment(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(datetime.timezone.utc)
