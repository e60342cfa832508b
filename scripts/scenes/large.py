#!/usr/bin/env python3
"""Recorded answers of a large account, for scripts/bench.sh: large.py FILE [VPCS INSTANCES SERVICES]"""

import pathlib
import sys

from build import Scene

SERVICES = "ecs-agent ecs-telemetry ecs ecr.api ecr.dkr logs secretsmanager ssm ssmmessages kms sts monitoring xray sqs sns".split()


def large(vpcs, instances, services):
    s = Scene("large", "us-west-2", "444455556666")
    s.role("ecsInstanceRole", "ec2.amazonaws.com", ["ecs:*"])
    execution = s.role("taskExecution", "ecs-tasks.amazonaws.com", ["ecr:*", "logs:*"])
    for v in range(vpcs):
        vpc = s.vpc(f"vpc-{v}", f"10.{v}.0.0/16")
        table = s.table(vpc, f"app-{v}")
        subnets = [s.subnet(vpc, f"app-{v}-{n}", f"10.{v}.{n * 16}.0/20", "abc"[n % 3], table) for n in range(10)]
        endpoints = s.group(vpc, "endpoints", [(443, f"10.{v}.0.0/16")])
        groups = [s.group(vpc, f"app-{n}", [(8080, f"10.{v}.0.0/16")]) for n in range(100)]
        for service in SERVICES:
            s.endpoint(service, subnets[:3], [endpoints])
        s.gateway_endpoint(vpc, "s3", [table])
        cluster = s.cluster(f"cluster-{v}")
        hosts = [s.instance(cluster, f"host-{v}-{n}", subnets[n % 10], [groups[n % 100]]) for n in range(instances // vpcs)]
        for n in range(services // vpcs):
            name = f"service-{v}-{n}"
            definition = s.task_definition(name, [s.container("app", s.image(f"app/{name}:1"), logs=f"/app/{name}")], "bridge", "EC2", execution)
            s.service(cluster, name, definition, "EC2", hosts[n : n + 2])
    return s


if __name__ == "__main__":
    large(*(map(int, sys.argv[2:]) if len(sys.argv) > 2 else (20, 5000, 200))).write_answers(pathlib.Path(sys.argv[1]))
