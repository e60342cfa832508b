"""What moto answers otherwise than AWS, as far as the audit would see it, put right in its own objects once a scene is built."""

import ipaddress

from moto.ec2.models import ec2_backends
from moto.ecs.models import ecs_backends

# AWS's names of services whose first label is not the service's own.
HOSTS = {"ecs-agent": ["ecs-a"], "ecs-telemetry": ["ecs-t"], "ecr.api": ["api.ecr"], "ecr.dkr": ["dkr.ecr", "*.dkr.ecr"]}


def mend(account, region):
    ec2, ecs = ec2_backends[account][region], ecs_backends[account][region]
    for endpoint in ec2.vpc_end_points.values():
        mend_endpoint(ec2, region, endpoint)
    for nat in ec2.nat_gateways.values():
        for address in nat.address_set:
            eni = ec2.enis.get(address["networkInterfaceId"])
            if eni:
                into_subnet(ec2, eni)
                eni.interface_type, eni.status = "nat_gateway", "in-use"
                address["privateIpAddress"] = eni.private_ip_address
    for acl in ec2.network_acls.values():
        # AWS shows the last entry of each direction, which denies the rest.
        for egress in (True, False):
            if not any(int(e.rule_number) == 32767 and (str(e.egress).lower() == "true") == egress for e in acl.network_acl_entries):
                ec2.create_network_acl_entry(acl.id, 32767, "-1", "deny", egress, "0.0.0.0/0", None, None, None, None, None)
    for tasks in ecs.tasks.values():
        for task in tasks.values():
            mend_task(ec2, ecs, task)
    for cluster in ecs.clusters.values():
        cluster.active_services_count = sum(s.cluster_name == cluster.name for s in ecs.services.values())
        cluster.running_tasks_count = len(ecs.tasks.get(cluster.name, {}))
        cluster.registered_container_instances_count = len(ecs.container_instances.get(cluster.name, {}))


def into_subnet(ec2, eni):
    """An address of its own subnet; moto takes any."""
    subnet = ipaddress.ip_network(eni.subnet.cidr_block)
    if ipaddress.ip_address(eni.private_ip_address) not in subnet:
        taken = {e.private_ip_address for e in ec2.enis.values()}
        eni.private_ip_address = next(str(a) for n, a in enumerate(subnet) if n > 9 and str(a) not in taken)
        eni.private_ip_addresses = [{"Primary": True, "PrivateIpAddress": eni.private_ip_address}]


def mend_endpoint(ec2, region, endpoint):
    if endpoint.vpc_endpoint_type != "Interface":
        endpoint.private_dns_enabled = False
        return
    endpoint.IpAddressType, endpoint.DnsOptions = "ipv4", {"DnsRecordIpType": "ipv4"}
    groups = [ec2.get_security_group_from_id(g) for g in endpoint.security_group_ids]
    for id in endpoint.network_interface_ids:
        eni = ec2.enis[id]
        into_subnet(ec2, eni)
        eni._group_set = groups
        eni.interface_type, eni.status, eni.requester_managed = "vpc_endpoint", "in-use", True
        eni.description = f"VPC Endpoint Interface {endpoint.id}"
    service = endpoint.service_name.split(region + ".", 1)[1]
    names = [f"{endpoint.id}-{endpoint.id[-8:]}.{service}.{region}.vpce.amazonaws.com"]
    if endpoint.private_dns_enabled:
        names += [f"{host}.{region}.amazonaws.com" for host in HOSTS.get(service, [service])]
    endpoint.dns_entries = [{"dns_name": n, "hosted_zone_id": "Z0MOTO"} for n in names]


def mend_task(ec2, ecs, task):
    for attachment in task.attachments:
        details = {d["name"]: d for d in attachment["details"]}
        eni = ec2.enis.get(details.get("networkInterfaceId", {}).get("value", ""))
        if eni:
            into_subnet(ec2, eni)
            details["privateIPv4Address"]["value"] = eni.private_ip_address
    family, revision = task.task_definition_arn.split("/")[-1].split(":")
    definition = ecs.task_definitions[family][int(revision)]
    task.containers = [{"name": c["name"], "image": c["image"], "taskArn": task.task_arn, "lastStatus": "RUNNING"} for c in definition.container_definitions]


def set_fields(kind, id, fields, account, region):
    """Sets response fields of one object, by the names of AWS's model; dots lead into structures."""
    ecs, ec2 = ecs_backends[account][region], ec2_backends[account][region]
    pools = {
        "ecs.container_instance": [i for c in ecs.container_instances.values() for i in c.values()],
        "ecs.task": [t for c in ecs.tasks.values() for t in c.values()],
        "ec2.vpc_endpoint": list(ec2.vpc_end_points.values()),
        "ec2.nat_gateway": list(ec2.nat_gateways.values()),
    }
    found = [o for o in pools[kind] if id in (getattr(o, "container_instance_arn", None), getattr(o, "task_arn", None), getattr(o, "id", None))]
    if len(found) != 1:
        raise SystemExit(f"scene: no {kind} {id}")
    for name, value in fields.items():
        first, _, rest = name.partition(".")
        snake = "".join("_" + c.lower() if c.isupper() else c for c in first[0].lower() + first[1:])
        if rest:
            value = {**(getattr(found[0], snake, None) or {}), rest: value}
        # moto's serializer reads the model's own name first, then the snake-cased one.
        setattr(found[0], first, value)
        if hasattr(found[0], snake):
            setattr(found[0], snake, value)
