#!/usr/bin/env python3
"""Remakes the demo's answers and the scenes of the tests: localstack/.venv/bin/python scripts/scenes/make.py [NAME…]

`src/demo/demo.answers`, `tests/fixtures/snapshots/NAME/` and `tests/fixtures/answers/NAME.answers`. The files that come out
are checked in; what each scene must say is in `tests/it/scenes.rs`.
"""

import pathlib
import sys

from build import Scene

ROOT = pathlib.Path(__file__).resolve().parents[2]
PULL = "ecr:GetAuthorizationToken ecr:BatchCheckLayerAvailability ecr:GetDownloadUrlForLayer ecr:BatchGetImage logs:CreateLogStream logs:PutLogEvents secretsmanager:GetSecretValue".split()
AGENT = ["ecs:*", *PULL]
TRIO = ["ecs-agent", "ecs-telemetry", "ecs"]


def roles(scene):
    scene.role("ecsInstanceRole", "ec2.amazonaws.com", AGENT)
    return scene.role("taskExecution", "ecs-tasks.amazonaws.com", PULL)


def secret(scene, name):
    return scene.arn("secretsmanager", f"secret:{name}-Xy12Zw")


def demo():
    """A shop's VPC: two application subnets behind a NAT gateway, an isolated one for batch work, and a few mistakes."""
    s = Scene("demo", "eu-west-1", "444455556666")
    vpc = s.vpc("orders", "10.42.0.0/16")
    public, private, batch = (s.table(vpc, n) for n in ("orders-public", "orders-app", "orders-batch"))
    edge = s.subnet(vpc, "public-a", "10.42.0.0/24", "a", public, public=True)
    app_a = s.subnet(vpc, "app-a", "10.42.16.0/20", "a", private)
    app_b = s.subnet(vpc, "app-b", "10.42.32.0/20", "b", private)
    batch_c = s.subnet(vpc, "batch-c", "10.42.48.0/20", "c", batch)
    s.route(public, "0.0.0.0/0", GatewayId=s.internet_gateway(vpc, "orders-igw"))
    s.route(private, "0.0.0.0/0", NatGatewayId=s.nat_gateway(edge, "orders-nat"))
    # Mistake: app-b was added later, and nobody thought of the endpoints' group.
    endpoints = s.group(vpc, "endpoints", [(443, "10.42.16.0/20"), (443, "10.42.48.0/20")])
    instances, tasks = s.group(vpc, "ecs-instances", []), s.group(vpc, "orders-api", [(8080, "10.42.0.0/16")])
    for service in [*TRIO, "ecr.api", "ecr.dkr"]:
        s.endpoint(service, [app_a, app_b, batch_c], [endpoints])
    # Mistake: private DNS off, so that nobody ever uses this endpoint.
    s.endpoint("secretsmanager", [app_a, app_b], [endpoints], private_dns=False)
    # Mistake: the isolated subnet's table lacks S3, and there is no endpoint for logs at all.
    s.gateway_endpoint(vpc, "s3", [private])
    execution = roles(s)
    orders = s.cluster("orders")
    one = s.instance(orders, "orders-1", app_a, [instances])
    two = s.instance(orders, "orders-2", app_b, [instances], connected=False)
    # Mistake: an agent from before the endpoints' protocol.
    three = s.instance(orders, "batch-1", batch_c, [instances], agent="1.24.0", registered="2026-02-02T05:00:00Z")
    api = s.task_definition("api", [s.container("api", s.image("orders/api:2.8.1"), [secret(s, "orders/database")], "/orders/api")], "awsvpc", "FARGATE", execution)
    worker = s.task_definition("worker", [s.container("worker", s.image("orders/worker:2.8.1"), logs="/orders/worker")], "bridge", "EC2", execution)
    nightly = s.task_definition("nightly", [s.container("nightly", s.image("orders/nightly:41"), logs="/orders/nightly")], "bridge", "EC2", execution)
    s.service(orders, "api", api, "FARGATE", [app_a, app_a], [app_a, app_b], [tasks])
    s.service(orders, "worker", worker, "EC2", [one, two])
    s.service(orders, "nightly", nightly, "EC2", [three])
    return s


def isolated():
    """No way out at all, and every endpoint in its place: nothing to complain of."""
    s = Scene("isolated", "ap-southeast-2", "444455556666")
    vpc = s.vpc("ledger", "10.60.0.0/16")
    table = s.table(vpc, "ledger-app")
    app = [s.subnet(vpc, f"ledger-{z}", f"10.60.{n}.0/24", z, table) for n, z in enumerate("ab")]
    endpoints = s.group(vpc, "endpoints", [(443, "10.60.0.0/16")])
    workloads = s.group(vpc, "ledger", [])
    for service in [*TRIO, "ecr.api", "ecr.dkr", "logs", "secretsmanager"]:
        s.endpoint(service, app, [endpoints])
    s.gateway_endpoint(vpc, "s3", [table])
    execution = roles(s)
    ledger = s.cluster("ledger")
    hosts = [s.instance(ledger, f"ledger-{n}", subnet, [workloads]) for n, subnet in enumerate(app)]
    book = s.task_definition("book", [s.container("book", s.image("ledger/book:9"), [secret(s, "ledger/key")], "/ledger/book")], "awsvpc", "FARGATE", execution)
    close = s.task_definition("close", [s.container("close", s.image("ledger/close:9"), logs="/ledger/close")], "bridge", "EC2", execution)
    s.service(ledger, "book", book, "FARGATE", app, app, [workloads])
    s.service(ledger, "close", close, "EC2", hosts)
    return s


def broken():
    """No ecr.dkr endpoint, an ACL that lets no reply into one subnet, and a table whose NAT gateway is gone."""
    s = Scene("broken", "sa-east-1", "444455556666")
    vpc = s.vpc("claims", "10.77.0.0/16")
    table, dead = s.table(vpc, "claims-app"), s.table(vpc, "claims-scan")
    entry = lambda egress, number, action, cidr="0.0.0.0/0", **ports: {"Egress": egress, "RuleNumber": number, "RuleAction": action, "CidrBlock": cidr, "Protocol": "6" if ports else "-1", **ports}
    closed = s.acl(vpc, "closed", [entry(True, 100, "allow"), entry(True, 32767, "deny"), entry(False, 100, "allow", PortRange={"From": 443, "To": 443}), entry(False, 32767, "deny")])
    inner = s.subnet(vpc, "claims-endpoints", "10.77.0.0/24", "a", table)
    app_a = s.subnet(vpc, "claims-a", "10.77.1.0/24", "a", table)
    app_b = s.subnet(vpc, "claims-b", "10.77.2.0/24", "b", table, acl=closed)
    scan = s.subnet(vpc, "claims-scan", "10.77.3.0/24", "c", dead)
    s.route(dead, "0.0.0.0/0", state="blackhole", NatGatewayId="nat-0aa55aa55aa55aa55")
    endpoints, workloads = s.group(vpc, "endpoints", [(443, "10.77.0.0/16")]), s.group(vpc, "claims", [])
    for service in [*TRIO, "ecr.api", "logs"]:
        s.endpoint(service, [inner], [endpoints])
    s.gateway_endpoint(vpc, "s3", [table, dead])
    execution = roles(s)
    claims = s.cluster("claims")
    container = lambda name: [s.container(name, s.image(f"claims/{name}:3"), logs=f"/claims/{name}")]
    intake = s.task_definition("intake", container("intake"), "awsvpc", "FARGATE", execution)
    scanner = s.task_definition("scanner", container("scanner"), "awsvpc", "FARGATE", execution)
    s.service(claims, "intake", intake, "FARGATE", [app_a, app_b], [app_a, app_b], [workloads])
    s.service(claims, "scanner", scanner, "FARGATE", [scan], [scan], [workloads])
    return s


def hub():
    """All endpoints in another VPC, behind a peering and private zones; of ecs-telemetry the zone was forgotten."""
    s = Scene("hub", "ca-central-1", "444455556666")
    spoke, centre = s.vpc("spoke", "10.90.0.0/16"), s.vpc("hub", "10.91.0.0/16")
    table, hub_table = s.table(spoke, "spoke-app"), s.table(centre, "hub-endpoints")
    app = s.subnet(spoke, "spoke-a", "10.90.1.0/24", "a", table)
    shelf = s.subnet(centre, "hub-a", "10.91.1.0/24", "a", hub_table)
    peering = s.peering(spoke, centre, "spoke-hub")
    s.route(table, "10.91.0.0/16", VpcPeeringConnectionId=peering)
    s.route(hub_table, "10.90.0.0/16", VpcPeeringConnectionId=peering)
    endpoints, workloads = s.group(centre, "endpoints", [(443, "10.90.0.0/15")]), s.group(spoke, "spoke", [])
    for service in [*TRIO, "ecr.api", "ecr.dkr", "logs"]:
        _, enis = s.endpoint(service, [shelf], [endpoints], private_dns=False)
        if service == "ecs-telemetry":
            continue
        for host in s.hosts(service)[:1]:
            address = [e["PrivateIpAddress"] for e in enis]
            s.zone(host, [spoke], {host: address} | ({f"*.{host}": address} if service == "ecr.dkr" else {}))
    s.gateway_endpoint(spoke, "s3", [table])
    roles(s)
    cluster = s.cluster("spoke")
    host = s.instance(cluster, "spoke-1", app, [workloads])
    job = s.task_definition("job", [s.container("job", s.image("spoke/job:1"), logs="/spoke/job")], "bridge", "EC2", f"arn:aws:iam::{s.account}:role/taskExecution")
    s.service(cluster, "job", job, "EC2", [host])
    return s


def bare():
    """A VPC in which ECS has nothing."""
    s = Scene("bare", "eu-north-1", "444455556666")
    vpc = s.vpc("bare", "10.99.0.0/16")
    s.subnet(vpc, "bare-a", "10.99.1.0/24", "a")
    return s


SCENES = {f.__name__: f for f in (demo, isolated, broken, hub, bare)}


def main(names):
    for name in names or SCENES:
        scene = SCENES[name]()
        if name == "demo":
            scene.write_answers(ROOT / "src/demo/demo.answers")
        else:
            scene.write_answers(ROOT / f"tests/fixtures/answers/{name}.answers")
        scene.write_folder(ROOT / f"tests/fixtures/snapshots/{name}")


if __name__ == "__main__":
    main(sys.argv[1:])
