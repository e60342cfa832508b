"""Builds the inventory of an invented account, and writes it as a snapshot folder and as recorded answers.

Ids follow from names, addresses from the order in which things are made: the same scene gives the same files.
"""

import hashlib
import ipaddress
import json
import re
import shutil

import wire

OPEN = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}], "Ipv6Ranges": [], "PrefixListIds": [], "UserIdGroupPairs": []}
ANY = json.dumps({"Statement": [{"Action": "*", "Effect": "Allow", "Principal": "*", "Resource": "*"}]})
# First label of the name that private DNS takes over, where it is not the service's own.
NAMES = {"ecs-agent": ["ecs-a"], "ecs-telemetry": ["ecs-t"], "ecr.api": ["api.ecr"], "ecr.dkr": ["dkr.ecr", "*.dkr.ecr"]}
OFFERED = (
    "ecs ecs-agent ecs-telemetry ecr.api ecr.dkr s3 dynamodb logs secretsmanager ssm ssmmessages ec2messages kms sts monitoring xray "
    "kinesis-firehose kinesis-streams guardduty-data ec2 elasticfilesystem appmesh-envoy-management sqs sns execute-api"
).split()
# Operations whose output does not name its subject.
KEYED = set(
    "GetManagedPrefixListEntries SearchTransitGatewayRoutes ListHostedZonesByVPC ListResourceRecordSets ListAttachedRolePolicies ListRolePolicies "
    "GetPolicyVersion GetTransitGatewayRouteTableAssociations DescribeImages ListResolverEndpointIpAddresses ListFirewallRules ListFirewallDomains GetDetector".split()
)
MEMBERS = {  # plain listings: service, operation, member
    "vpcs": ("ec2", "DescribeVpcs", "Vpcs"), "dhcp": ("ec2", "DescribeDhcpOptions", "DhcpOptions"), "subnets": ("ec2", "DescribeSubnets", "Subnets"),
    "tables": ("ec2", "DescribeRouteTables", "RouteTables"), "acls": ("ec2", "DescribeNetworkAcls", "NetworkAcls"), "groups": ("ec2", "DescribeSecurityGroups", "SecurityGroups"),
    "endpoints": ("ec2", "DescribeVpcEndpoints", "VpcEndpoints"), "interfaces": ("ec2", "DescribeNetworkInterfaces", "NetworkInterfaces"), "reservations": ("ec2", "DescribeInstances", "Reservations"),
    "nats": ("ec2", "DescribeNatGateways", "NatGateways"), "igws": ("ec2", "DescribeInternetGateways", "InternetGateways"), "eigws": ("ec2", "DescribeEgressOnlyInternetGateways", "EgressOnlyInternetGateways"),
    "managed_lists": ("ec2", "DescribeManagedPrefixLists", "PrefixLists"), "lists": ("ec2", "DescribePrefixLists", "PrefixLists"), "peerings": ("ec2", "DescribeVpcPeeringConnections", "VpcPeeringConnections"),
    "tgw_vpc": ("ec2", "DescribeTransitGatewayVpcAttachments", "TransitGatewayVpcAttachments"), "tgw": ("ec2", "DescribeTransitGatewayAttachments", "TransitGatewayAttachments"),
    "exclusions": ("ec2", "DescribeVpcBlockPublicAccessExclusions", "VpcBlockPublicAccessExclusions"), "group_vpcs": ("ec2", "DescribeSecurityGroupVpcAssociations", "SecurityGroupVpcAssociations"),
    "clusters": ("ecs", "DescribeClusters", "clusters"), "container_instances": ("ecs", "DescribeContainerInstances", "containerInstances"), "services": ("ecs", "DescribeServices", "services"),
    "tasks": ("ecs", "DescribeTasks", "tasks"), "task_sets": ("ecs", "DescribeTaskSets", "taskSets"), "revisions": ("ecs", "DescribeServiceRevisions", "serviceRevisions"), "providers": ("ecs", "DescribeCapacityProviders", "capacityProviders"), "settings": ("ecs", "ListAccountSettings", "settings"),
    "rules": ("route53resolver", "ListResolverRules", "ResolverRules"), "rule_associations": ("route53resolver", "ListResolverRuleAssociations", "ResolverRuleAssociations"),
    "resolver_endpoints": ("route53resolver", "ListResolverEndpoints", "ResolverEndpoints"), "firewalls": ("route53resolver", "ListFirewallRuleGroupAssociations", "FirewallRuleGroupAssociations"),
    "domain_lists": ("route53resolver", "ListFirewallDomainLists", "FirewallDomainLists"), "firewall_configs": ("route53resolver", "ListFirewallConfigs", "FirewallConfigs"),
    "profiles": ("route53profiles", "ListProfileAssociations", "ProfileAssociations"), "cache_rules": ("ecr", "DescribePullThroughCacheRules", "pullThroughCacheRules"),
    "detectors": ("guardduty", "ListDetectors", "DetectorIds"),
}


def cli(operation):
    """DescribeVpcEndpoints as the CLI spells it."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", operation.replace("VPC", "Vpc")).lower()


class Scene:
    def __init__(self, name, region, account, taken_at="2026-11-20T09:00:00Z"):
        self.name, self.region, self.account, self.taken_at = name, region, account, taken_at
        self.have = {key: [] for key in MEMBERS}
        self.each = {}  # (service, operation) -> {subject: output}
        self.addresses, self.subnets, self.named = {}, {}, {}
        self.have["lists"] = [{"PrefixListId": "pl-6da54004", "PrefixListName": f"com.amazonaws.{region}.s3", "Cidrs": ["52.218.0.0/17", "3.5.64.0/21", "16.12.18.0/23"]}]
        self.have["managed_lists"] = [
            {"PrefixListId": "pl-6da54004", "AddressFamily": "IPv4", "PrefixListArn": f"arn:aws:ec2:{region}:aws:prefix-list/pl-6da54004", "PrefixListName": f"com.amazonaws.{region}.s3", "OwnerId": "AWS", "Tags": []}
        ]
        self.have["providers"] = [{"capacityProviderArn": self.arn("ecs", f"capacity-provider/{n}"), "name": n, "status": "ACTIVE", "type": n} for n in ("FARGATE", "FARGATE_SPOT")]
        self.have["settings"] = [
            {"name": n, "value": v, "principalArn": f"arn:aws:iam::{account}:root", "type": "user"}
            for n, v in (("awsvpcTrunking", "disabled"), ("containerInsights", "disabled"), ("fargateFIPSMode", "disabled"), ("guardDutyActivate", "off"))
        ]
        self.subject("ec2", "DescribeVpcBlockPublicAccessOptions", None, {"VpcBlockPublicAccessOptions": {"AwsAccountId": account, "AwsRegion": region, "State": "default-state", "InternetGatewayBlockMode": "off"}})
        self.subject("sts", "GetCallerIdentity", None, {"UserId": "AROAAUDITAUDITAUDIT00:audit", "Account": account, "Arn": f"arn:aws:sts::{account}:assumed-role/audit/audit"})
        self.subject("ec2", "DescribeVpcEndpointServices", None, self.offered())

    # ---- names
    def digest(self, *parts):
        return hashlib.sha256("/".join((self.name, *parts)).encode()).hexdigest()

    def id(self, kind, name):
        return f"{kind}-0{self.digest(kind, name)[:16]}"

    def arn(self, service, rest, region=None):
        return f"arn:aws:{service}:{self.region if region is None else region}:{self.account}:{rest}"

    def subject(self, service, operation, subject, output):
        self.each.setdefault((service, operation), {})[subject] = output

    @staticmethod
    def tags(name):
        return [{"Key": "Name", "Value": name}]

    def hosts(self, service):
        return [f"{label}.{self.region}.amazonaws.com" for label in NAMES.get(service, [service])]

    def offered(self):
        details = []
        for service in OFFERED:
            gateway = service in ("s3", "dynamodb")
            for kind in ["Gateway"] * gateway + ["Interface"]:
                detail = {
                    "ServiceName": f"com.amazonaws.{self.region}.{service}", "ServiceId": "vpce-svc-0" + self.digest("offered", service, kind)[:16], "ServiceType": [{"ServiceType": kind}], "Owner": "amazon", "AcceptanceRequired": False,
                    "AvailabilityZones": [f"{self.region}{z}" for z in "abc"], "VpcEndpointPolicySupported": True, "ManagesVpcEndpoints": False, "SupportedIpAddressTypes": ["ipv4"], "ServiceRegion": self.region, "Tags": [],
                }
                if kind == "Interface":
                    detail["PrivateDnsName"] = self.hosts(service)[0]
                    detail["PrivateDnsNames"] = [{"PrivateDnsName": h} for h in self.hosts(service)]
                details.append(detail)
        return {"ServiceNames": sorted({d["ServiceName"] for d in details}), "ServiceDetails": details}

    # ---- network
    def vpc(self, name, cidr, support=True, hostnames=True):
        vpc, options = self.id("vpc", name), self.id("dopt", "default")
        self.have["vpcs"].append(
            {"VpcId": vpc, "CidrBlock": cidr, "State": "available", "DhcpOptionsId": options, "OwnerId": self.account, "InstanceTenancy": "default", "IsDefault": False, "Tags": self.tags(name),
             "CidrBlockAssociationSet": [{"AssociationId": self.id("vpc-cidr-assoc", name), "CidrBlock": cidr, "CidrBlockState": {"State": "associated"}}], "BlockPublicAccessStates": {"InternetGatewayBlockMode": "off"}}
        )
        if not self.have["dhcp"]:
            self.have["dhcp"].append(
                {"DhcpOptionsId": options, "OwnerId": self.account, "Tags": [],
                 "DhcpConfigurations": [{"Key": "domain-name", "Values": [{"Value": f"{self.region}.compute.internal"}]}, {"Key": "domain-name-servers", "Values": [{"Value": "AmazonProvidedDNS"}]}]}
            )
        for attribute, value in (("EnableDnsSupport", support), ("EnableDnsHostnames", hostnames)):
            self.subject("ec2", "DescribeVpcAttribute", f"{vpc} {attribute[0].lower()}{attribute[1:]}", {"VpcId": vpc, attribute: {"Value": value}})
        self.subject("route53", "ListHostedZonesByVPC", vpc, {"HostedZoneSummaries": [], "MaxItems": "100"})
        entry = lambda egress, number, action: {"CidrBlock": "0.0.0.0/0", "Egress": egress, "Protocol": "-1", "RuleAction": action, "RuleNumber": number}
        self.named[vpc] = (name, cidr)
        self.acl(vpc, "default", [entry(e, n, a) for e in (True, False) for n, a in ((100, "allow"), (32767, "deny"))], default=True)
        self.group(vpc, "default", [], of="default VPC security group", self_rule=True)
        self.table(vpc, f"{name}-main", main=True)
        return vpc

    def acl(self, vpc, name, entries, default=False):
        acl = self.id("acl", self.named[vpc][0] + name)
        self.have["acls"].append({"NetworkAclId": acl, "VpcId": vpc, "OwnerId": self.account, "IsDefault": default, "Tags": self.tags(name), "Entries": entries, "Associations": []})
        return acl

    def table(self, vpc, name, main=False):
        table, cidr = self.id("rtb", name), self.named[vpc][1]
        association = [{"Main": True, "RouteTableAssociationId": self.id("rtbassoc", name), "RouteTableId": table, "AssociationState": {"State": "associated"}}] if main else []
        self.have["tables"].append(
            {"RouteTableId": table, "VpcId": vpc, "OwnerId": self.account, "PropagatingVgws": [], "Tags": self.tags(name), "Associations": association,
             "Routes": [{"DestinationCidrBlock": cidr, "GatewayId": "local", "Origin": "CreateRouteTable", "State": "active"}]}
        )
        return table

    def find(self, kind, key, value):
        return next(x for x in self.have[kind] if x[key] == value)

    def route(self, table, destination, state="active", **target):
        key = "DestinationPrefixListId" if destination.startswith("pl-") else "DestinationCidrBlock"
        self.find("tables", "RouteTableId", table)["Routes"].append({key: destination, **target, "Origin": "CreateRoute", "State": state})

    def subnet(self, vpc, name, cidr, zone, table=None, acl=None, public=False):
        subnet = self.id("subnet", name)
        self.subnets[subnet] = (vpc, f"{self.region}{zone}", ipaddress.ip_network(cidr))
        self.addresses[subnet] = 10
        self.have["subnets"].append(
            {"SubnetId": subnet, "VpcId": vpc, "CidrBlock": cidr, "AvailabilityZone": f"{self.region}{zone}", "AvailabilityZoneId": f"az{ord(zone) - 96}", "State": "available", "OwnerId": self.account,
             "SubnetArn": self.arn("ec2", f"subnet/{subnet}"), "MapPublicIpOnLaunch": public, "AssignIpv6AddressOnCreation": False, "Ipv6CidrBlockAssociationSet": [], "Ipv6Native": False, "DefaultForAz": False,
             "AvailableIpAddressCount": ipaddress.ip_network(cidr).num_addresses - 5, "BlockPublicAccessStates": {"InternetGatewayBlockMode": "off"}, "Tags": self.tags(name)}
        )
        if table:
            self.find("tables", "RouteTableId", table)["Associations"].append(
                {"Main": False, "RouteTableAssociationId": self.id("rtbassoc", name), "RouteTableId": table, "SubnetId": subnet, "AssociationState": {"State": "associated"}}
            )
        chosen = next(a for a in self.have["acls"] if (a["NetworkAclId"] == acl if acl else a["IsDefault"] and a["VpcId"] == vpc))
        chosen["Associations"].append({"NetworkAclAssociationId": self.id("aclassoc", name), "NetworkAclId": chosen["NetworkAclId"], "SubnetId": subnet})
        return subnet

    def internet_gateway(self, vpc, name):
        igw = self.id("igw", name)
        self.have["igws"].append({"InternetGatewayId": igw, "OwnerId": self.account, "Tags": self.tags(name), "Attachments": [{"VpcId": vpc, "State": "available"}]})
        return igw

    def nat_gateway(self, subnet, name, state="available"):
        nat = self.id("nat", name)
        eni = self.interface(subnet, [], f"Interface for NAT Gateway {nat}", "nat_gateway", name)
        address = {"AllocationId": self.id("eipalloc", name), "NetworkInterfaceId": eni["NetworkInterfaceId"], "PrivateIp": eni["PrivateIpAddress"], "PublicIp": "198.51.100.17", "IsPrimary": True, "Status": "succeeded"}
        self.have["nats"].append({"NatGatewayId": nat, "State": state, "SubnetId": subnet, "VpcId": self.subnets[subnet][0], "ConnectivityType": "public", "CreateTime": "2025-03-02T10:00:00Z", "NatGatewayAddresses": [address], "Tags": self.tags(name)})
        return nat

    def group(self, vpc, name, ingress, egress=None, of=None, self_rule=False):
        """Rules: (port, source), the source a CIDR or a group."""
        group = self.id("sg", self.named[vpc][0] + name)
        rules = [self.rule(port, source) for port, source in ingress]
        if self_rule:
            rules.append({**OPEN, "IpRanges": [], "UserIdGroupPairs": [{"GroupId": group, "UserId": self.account}]})
        self.have["groups"].append(
            {"GroupId": group, "GroupName": name, "Description": of or name, "VpcId": vpc, "OwnerId": self.account, "SecurityGroupArn": self.arn("ec2", f"security-group/{group}"), "Tags": self.tags(name),
             "IpPermissions": rules, "IpPermissionsEgress": [OPEN] if egress is None else [self.rule(p, s) for p, s in egress]}
        )
        return group

    def rule(self, port, source):
        pair = [{"GroupId": source, "UserId": self.account}] if source.startswith("sg-") else []
        lists = [{"PrefixListId": source}] if source.startswith("pl-") else []
        ranges = [] if pair or lists else [{"CidrIp": source}]
        return {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": ranges, "Ipv6Ranges": [], "PrefixListIds": lists, "UserIdGroupPairs": pair}

    def interface(self, subnet, groups, description, kind, name, instance=None):
        vpc, zone, cidr = self.subnets[subnet]
        self.addresses[subnet] += 1
        address = str(cidr[self.addresses[subnet]])
        named = [{"GroupId": g, "GroupName": self.find("groups", "GroupId", g)["GroupName"]} for g in groups]
        attachment = {"AttachmentId": self.id("eni-attach", name), "DeviceIndex": 0 if instance else 1, "Status": "attached", "DeleteOnTermination": True}
        attachment |= {"InstanceId": instance, "InstanceOwnerId": self.account} if instance else {"InstanceOwnerId": "amazon-aws"}
        eni = {
            "NetworkInterfaceId": self.id("eni", name), "SubnetId": subnet, "VpcId": vpc, "AvailabilityZone": zone, "Description": description, "InterfaceType": kind, "OwnerId": self.account, "Status": "in-use", "Groups": named,
            "PrivateIpAddress": address, "PrivateIpAddresses": [{"Primary": True, "PrivateIpAddress": address}], "Ipv6Addresses": [], "RequesterManaged": instance is None, "SourceDestCheck": kind != "nat_gateway", "Attachment": attachment, "TagSet": [],
        }
        self.have["interfaces"].append(eni)
        return eni

    def endpoint(self, service, subnets, groups, private_dns=True, policy=ANY, state="available", created="2025-03-04T08:00:00Z"):
        vpc = self.subnets[subnets[0]][0]
        name = f"{self.named[vpc][0]}-{service}"
        endpoint = self.id("vpce", name)
        enis = [self.interface(s, groups, f"VPC Endpoint Interface {endpoint}", "vpc_endpoint", f"{name}-{i}") for i, s in enumerate(subnets)]
        base = f"{endpoint}-{self.digest(name)[:8]}"
        zone = "Z" + self.digest("zone", name)[:13].upper()
        entries = [f"{base}.{service}.{self.region}.vpce.amazonaws.com", *(f"{base}-{self.subnets[s][1]}.{service}.{self.region}.vpce.amazonaws.com" for s in subnets)]
        entries += self.hosts(service) if private_dns else []
        self.have["endpoints"].append(
            {"VpcEndpointId": endpoint, "VpcEndpointType": "Interface", "VpcId": vpc, "ServiceName": f"com.amazonaws.{self.region}.{service}", "State": state, "PolicyDocument": policy, "RouteTableIds": [], "SubnetIds": subnets,
             "Groups": enis[0]["Groups"], "IpAddressType": "ipv4", "DnsOptions": {"DnsRecordIpType": "ipv4"}, "PrivateDnsEnabled": private_dns, "RequesterManaged": False, "NetworkInterfaceIds": [e["NetworkInterfaceId"] for e in enis],
             "DnsEntries": [{"DnsName": d, "HostedZoneId": zone} for d in entries], "CreationTimestamp": created, "OwnerId": self.account, "ServiceRegion": self.region, "Tags": self.tags(service)}
        )
        return endpoint, enis

    def gateway_endpoint(self, vpc, service, tables, policy=ANY):
        endpoint = self.id("vpce", f"{self.named[vpc][0]}-{service}-gateway")
        self.have["endpoints"].append(
            {"VpcEndpointId": endpoint, "VpcEndpointType": "Gateway", "VpcId": vpc, "ServiceName": f"com.amazonaws.{self.region}.{service}", "State": "available", "PolicyDocument": policy, "RouteTableIds": tables, "SubnetIds": [],
             "Groups": [], "PrivateDnsEnabled": False, "RequesterManaged": False, "NetworkInterfaceIds": [], "DnsEntries": [], "CreationTimestamp": "2025-03-04T08:00:00Z", "OwnerId": self.account, "ServiceRegion": self.region, "Tags": self.tags(service)}
        )
        for table in tables:
            self.route(table, "pl-6da54004", GatewayId=endpoint)
        return endpoint

    def peering(self, one, other, name):
        peering = self.id("pcx", name)
        side = lambda vpc: {"VpcId": vpc, "OwnerId": self.account, "Region": self.region, "CidrBlock": self.named[vpc][1], "CidrBlockSet": [{"CidrBlock": self.named[vpc][1]}]}
        self.have["peerings"].append({"VpcPeeringConnectionId": peering, "Status": {"Code": "active", "Message": "Active"}, "RequesterVpcInfo": side(one), "AccepterVpcInfo": side(other), "Tags": self.tags(name)})
        return peering

    def zone(self, name, vpcs, records):
        """A private zone; records: name to addresses."""
        zone = "Z" + self.digest("zone", name)[:18].upper()
        for vpc in vpcs:
            summary = {"HostedZoneId": zone, "Name": f"{name}.", "Owner": {"OwningAccount": self.account}}
            self.each["route53", "ListHostedZonesByVPC"][vpc]["HostedZoneSummaries"].append(summary)
        sets = [{"Name": f"{n}.", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": a} for a in addresses]} for n, addresses in records.items()]
        self.subject("route53", "ListResourceRecordSets", zone, {"ResourceRecordSets": sets, "IsTruncated": False, "MaxItems": "300"})
        return zone

    # ---- ECS
    def role(self, name, service, actions):
        arn = f"arn:aws:iam::{self.account}:role/{name}"
        trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}]}
        role = {"Path": "/", "RoleName": name, "RoleId": "AROA" + self.digest(name)[:16].upper(), "Arn": arn, "CreateDate": "2025-03-01T08:00:00Z", "AssumeRolePolicyDocument": trust, "MaxSessionDuration": 3600}
        self.subject("iam", "GetRole", name, {"Role": role})
        self.subject("iam", "ListAttachedRolePolicies", name, {"AttachedPolicies": [], "IsTruncated": False})
        self.subject("iam", "ListRolePolicies", name, {"PolicyNames": ["own"], "IsTruncated": False})
        document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]}
        self.subject("iam", "GetRolePolicy", f"{name} own", {"RoleName": name, "PolicyName": "own", "PolicyDocument": document})
        if service == "ec2.amazonaws.com":
            profile = {"Path": "/", "InstanceProfileName": name, "InstanceProfileId": "AIPA" + self.digest(name)[:16].upper(), "Arn": f"arn:aws:iam::{self.account}:instance-profile/{name}", "CreateDate": "2025-03-01T08:00:00Z", "Roles": [role]}
            self.subject("iam", "GetInstanceProfile", name, {"InstanceProfile": profile})
        return arn

    def cluster(self, name):
        arn = self.arn("ecs", f"cluster/{name}")
        self.have["clusters"].append(
            {"clusterArn": arn, "clusterName": name, "status": "ACTIVE", "registeredContainerInstancesCount": 0, "runningTasksCount": 0, "pendingTasksCount": 0, "activeServicesCount": 0, "statistics": [], "tags": [],
             "settings": [{"name": "containerInsights", "value": "disabled"}], "capacityProviders": ["FARGATE"], "defaultCapacityProviderStrategy": []}
        )
        return arn

    def instance(self, cluster, name, subnet, groups, profile="ecsInstanceRole", agent="1.105.1", connected=True, registered="2026-10-12T06:30:00Z"):
        instance, vpc = self.id("i", name), self.subnets[subnet][0]
        eni = self.interface(subnet, groups, "", "interface", name, instance)
        own = {k: eni[k] for k in ("NetworkInterfaceId", "SubnetId", "VpcId", "Description", "Groups", "OwnerId", "Status", "PrivateIpAddress", "PrivateIpAddresses", "Ipv6Addresses", "InterfaceType", "SourceDestCheck")}
        attached = {"AttachmentId": eni["Attachment"]["AttachmentId"], "DeviceIndex": 0, "Status": "attached", "AttachTime": registered, "DeleteOnTermination": True}
        self.have["reservations"].append(
            {"ReservationId": self.id("r", name), "OwnerId": self.account, "Groups": [],
             "Instances": [{"InstanceId": instance, "ImageId": "ami-0f3c1d5e7a9b2c4d6", "InstanceType": "m7i.large", "LaunchTime": registered, "State": {"Code": 16, "Name": "running"}, "SubnetId": subnet, "VpcId": vpc, "PrivateIpAddress": eni["PrivateIpAddress"],
                            "SecurityGroups": eni["Groups"], "NetworkInterfaces": [{**own, "Attachment": attached}], "IamInstanceProfile": {"Arn": f"arn:aws:iam::{self.account}:instance-profile/{profile}", "Id": "AIPA" + self.digest(profile)[:16].upper()},
                            "PlatformDetails": "Linux/UNIX", "Placement": {"AvailabilityZone": self.subnets[subnet][1], "Tenancy": "default"}, "Tags": self.tags(name)}]}
        )
        short = self.find("clusters", "clusterArn", cluster)
        short["registeredContainerInstancesCount"] += 1
        arn = self.arn("ecs", f"container-instance/{short['clusterName']}/{self.digest('ci', name)[:32]}")
        attributes = {"ecs.availability-zone": self.subnets[subnet][1], "ecs.os-type": "linux", "ecs.vpc-id": vpc, "ecs.subnet-id": subnet, "ecs.instance-type": "m7i.large", "ecs.cpu-architecture": "x86_64"}
        self.have["container_instances"].append(
            {"containerInstanceArn": arn, "ec2InstanceId": instance, "version": 7, "status": "ACTIVE", "agentConnected": connected, "registeredAt": registered, "runningTasksCount": 0, "pendingTasksCount": 0,
             "versionInfo": {"agentVersion": agent, "agentHash": self.digest(agent)[:8], "dockerVersion": "DockerVersion: 25.0.8"}, "attributes": [{"name": n, "value": v} for n, v in attributes.items()], "attachments": [], "tags": [],
             # Without a time, so that it does not grow old.
             "healthStatus": {"overallStatus": "OK"}}
        )
        return arn

    def task_definition(self, family, containers, mode, launch, execution=None, task=None):
        arn = self.arn("ecs", f"task-definition/{family}:1")
        definition = {"taskDefinitionArn": arn, "family": family, "revision": 1, "networkMode": mode, "status": "ACTIVE", "requiresCompatibilities": [launch], "compatibilities": [launch], "cpu": "256", "memory": "512", "volumes": [], "containerDefinitions": containers}
        definition |= {"executionRoleArn": execution} if execution else {}
        definition |= {"taskRoleArn": task} if task else {}
        if launch == "FARGATE":
            definition["runtimePlatform"] = {"cpuArchitecture": "X86_64", "operatingSystemFamily": "LINUX"}
        self.subject("ecs", "DescribeTaskDefinition", arn, {"taskDefinition": definition, "tags": []})
        return arn

    def container(self, name, image, secrets=(), logs=None):
        made = {"name": name, "image": image, "cpu": 128, "memory": 256, "essential": True, "portMappings": [], "environment": [], "mountPoints": [], "volumesFrom": []}
        if secrets:
            made["secrets"] = [{"name": f"SECRET_{i}", "valueFrom": s} for i, s in enumerate(secrets)]
        if logs:
            made["logConfiguration"] = {"logDriver": "awslogs", "options": {"awslogs-group": logs, "awslogs-region": self.region, "awslogs-stream-prefix": name}}
        return made

    def image(self, repository):
        return f"{self.account}.dkr.ecr.{self.region}.amazonaws.com/{repository}"

    def service(self, cluster, name, definition, launch, running, subnets=(), groups=()):
        """`running`: where tasks run: subnets for Fargate, container instances for EC2 in bridge mode."""
        short = self.find("clusters", "clusterArn", cluster)
        short["activeServicesCount"] += 1
        arn = self.arn("ecs", f"service/{short['clusterName']}/{name}")
        network = {"networkConfiguration": {"awsvpcConfiguration": {"subnets": list(subnets), "securityGroups": list(groups), "assignPublicIp": "DISABLED"}}} if subnets else {}
        deployment = "ecs-svc/" + str(int(self.digest(name)[:14], 16))
        self.have["services"].append(
            {"serviceArn": arn, "serviceName": name, "clusterArn": cluster, "status": "ACTIVE", "desiredCount": len(running), "runningCount": len(running), "pendingCount": 0, "launchType": launch, "taskDefinition": definition, "loadBalancers": [],
             "serviceRegistries": [], "schedulingStrategy": "REPLICA", "deploymentController": {"type": "ECS"}, "enableExecuteCommand": False, "createdAt": "2026-10-13T07:00:00Z", "events": [],
             "deployments": [{"id": deployment, "status": "PRIMARY", "taskDefinition": definition, "desiredCount": len(running), "runningCount": len(running), "pendingCount": 0, "launchType": launch, "createdAt": "2026-10-13T07:00:00Z",
                              "updatedAt": "2026-10-13T07:05:00Z", "rolloutState": "COMPLETED", **network}], **network}
            | ({"platformVersion": "LATEST", "platformFamily": "Linux"} if launch == "FARGATE" else {})
        )
        for number, place in enumerate(running):
            short["runningTasksCount"] += 1
            task = self.arn("ecs", f"task/{short['clusterName']}/{self.digest('task', name, str(number))[:32]}")
            containers = self.each["ecs", "DescribeTaskDefinition"][definition]["taskDefinition"]["containerDefinitions"]
            made = {"taskArn": task, "clusterArn": cluster, "taskDefinitionArn": definition, "group": f"service:{name}", "startedBy": deployment, "launchType": launch, "lastStatus": "RUNNING", "desiredStatus": "RUNNING", "connectivity": "CONNECTED",
                    "createdAt": "2026-10-13T07:01:00Z", "startedAt": "2026-10-13T07:02:00Z", "attachments": [], "enableExecuteCommand": False, "tags": [], "version": 3,
                    "containers": [{"containerArn": self.arn("ecs", f"container/{short['clusterName']}/{self.digest('c', name, str(number), c['name'])[:32]}"), "taskArn": task, "name": c["name"], "image": c["image"], "lastStatus": "RUNNING"} for c in containers]}
            if launch == "FARGATE":
                made |= {"platformVersion": "1.4.0", "platformFamily": "Linux"}
                eni = self.interface(place, list(groups), f"{task}", "interface", f"{name}-{number}")
                details = {"subnetId": place, "networkInterfaceId": eni["NetworkInterfaceId"], "macAddress": "0a:00:00:00:00:01", "privateIPv4Address": eni["PrivateIpAddress"]}
                made["attachments"] = [{"id": self.digest("attachment", name, str(number))[:32], "type": "ElasticNetworkInterface", "status": "ATTACHED", "details": [{"name": n, "value": v} for n, v in details.items()]}]
                made["availabilityZone"] = self.subnets[place][1]
            else:
                made["containerInstanceArn"] = place
                self.find("container_instances", "containerInstanceArn", place)["runningTasksCount"] += 1
            self.have["tasks"].append(made)
        return arn

    # ---- out
    def outputs(self):
        """(service, operation) to outputs by subject; None is the subject of what has none."""
        every = {(s, o): {None: {m: self.have[key], **({"failures": []} if o.startswith("Describe") and s == "ecs" else {})}} for key, (s, o, m) in MEMBERS.items()}
        for operation in KEYED:
            service = "iam" if operation in ("ListAttachedRolePolicies", "ListRolePolicies", "GetPolicyVersion") else "route53" if operation in ("ListHostedZonesByVPC", "ListResourceRecordSets") else "guardduty" if operation == "GetDetector" else "route53resolver"
            service = "ec2" if operation in ("GetManagedPrefixListEntries", "SearchTransitGatewayRoutes", "GetTransitGatewayRouteTableAssociations") else "ecr" if operation == "DescribeImages" else service
            every[service, operation] = {}
        for key in ("GetRole", "GetRolePolicy", "GetInstanceProfile"):
            every["iam", key] = {}
        every["ecs", "DescribeTaskDefinition"] = {}
        every["iam", "GetPolicy"] = {}
        every["ecr", "DescribeImages"] = {}
        return every | self.each

    def write_folder(self, folder):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        write = lambda name, value: (folder / name).write_text(json.dumps(value, indent=1) + "\n")
        write("audit-snapshot.json", {"schema": "audit-snapshot/1", "partition": "aws", "account": self.account, "region": self.region, "taken_at": self.taken_at})
        for (service, operation), outputs in sorted(self.outputs().items()):
            value = outputs[None] if None in outputs else outputs if operation in KEYED else list(outputs.values())
            write(f"{service}.{cli(operation)}.json", value)

    def write_answers(self, file):
        """One recorded answer after the other: a line `@ status region service operation subject…`, then the body."""
        every = dict(self.outputs())
        clusters = {c["clusterName"]: c["clusterArn"] for c in self.have["clusters"]}

        def by_cluster(kind, member):
            # The second part of each of these ARNs is the name of the cluster.
            return {arn: [x[member] for x in self.have[kind] if x[member].split("/")[1] == name] for name, arn in clusters.items()}

        every["ecs", "ListClusters"] = {None: {"clusterArns": list(clusters.values())}}
        every["ecs", "ListContainerInstances"] = {c: {"containerInstanceArns": arns} for c, arns in by_cluster("container_instances", "containerInstanceArn").items()}
        every["ecs", "ListServices"] = {c: {"serviceArns": arns} for c, arns in by_cluster("services", "serviceArn").items()}
        running = by_cluster("tasks", "taskArn")
        every["ecs", "ListTasks"] = {f"{c} {status}": {"taskArns": arns if status == "RUNNING" else []} for c, arns in running.items() for status in ("RUNNING", "STOPPED")}
        every["cloudtrail", "LookupEvents"] = {None: {"Events": []}}
        lines = [f"# Recorded answers of the scene `{self.name}`, made by scripts/scenes/make.py.", f"# taken_at {self.taken_at}"]
        for (service, operation), outputs in sorted(every.items()):
            region = "*" if service in ("iam", "route53", "sts") else self.region
            for subject, output in sorted(outputs.items(), key=lambda pair: pair[0] or ""):
                status, text = wire.body(service, operation, output)
                lines += [f"@ {status} {region} {service} {operation}" + (f" {subject}" if subject else ""), text]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("\n".join(lines) + "\n")
