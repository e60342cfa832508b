//! The one table of AWS API actions. Collectors can call nothing that is not here, `audit permissions` prints it as an IAM
//! policy, rules name what they read by it, and completeness is kept by it.

/// How a snapshot file of an operation is laid out (see the README's snapshot section).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// One output of the AWS CLI.
    Plain,
    /// `{"<id>": output, …}`: the output does not name its subject.
    Keyed,
    /// `[output, …]`: one output for each subject, which it names.
    Outputs,
}

macro_rules! actions {
    ($($variant:ident $name:literal $layout:ident $optional:literal $purpose:literal;)*) => {
        /// One API action, by its IAM name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Action { $(#[doc = $purpose] $variant,)* }

        impl Action {
            /// Every action, in the order of the table.
            pub const ALL: &'static [Action] = &[$(Action::$variant,)*];

            /// The IAM name, such as `ec2:DescribeVpcs`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Action::$variant => $name,)* }
            }

            /// What the audit uses the answer for.
            #[must_use]
            pub const fn purpose(self) -> &'static str {
                match self { $(Action::$variant => $purpose,)* }
            }

            /// How its snapshot file is laid out.
            #[must_use]
            pub const fn layout(self) -> Layout {
                match self { $(Action::$variant => Layout::$layout,)* }
            }

            /// Whether only some scenes need it, so that its absence makes unknown only what needs it there.
            #[must_use]
            pub const fn optional(self) -> bool {
                match self { $(Action::$variant => $optional,)* }
            }
        }
    };
}

actions! {
    DescribeVpcs "ec2:DescribeVpcs" Plain false "VPCs, their ranges, owner and DHCP options";
    DescribeVpcAttribute "ec2:DescribeVpcAttribute" Outputs false "enableDnsSupport and enableDnsHostnames";
    DescribeDhcpOptions "ec2:DescribeDhcpOptions" Plain false "which DNS servers a VPC hands out";
    DescribeSubnets "ec2:DescribeSubnets" Plain false "subnets and their ranges";
    DescribeRouteTables "ec2:DescribeRouteTables" Plain false "routes of each subnet";
    DescribeNetworkAcls "ec2:DescribeNetworkAcls" Plain false "network ACLs of each subnet";
    DescribeSecurityGroups "ec2:DescribeSecurityGroups" Plain false "what workloads and endpoints admit";
    DescribeSecurityGroupVpcAssociations "ec2:DescribeSecurityGroupVpcAssociations" Plain true "security groups used in another VPC";
    DescribeVpcEndpoints "ec2:DescribeVpcEndpoints" Plain false "the endpoints themselves";
    DescribeVpcEndpointServices "ec2:DescribeVpcEndpointServices" Plain false "which services the region offers, their names, and whether they take policies";
    DescribeNetworkInterfaces "ec2:DescribeNetworkInterfaces" Plain false "addresses and groups of endpoints, tasks and instances";
    DescribeInstances "ec2:DescribeInstances" Plain false "subnet, groups, addresses and launch time of container instances";
    DescribeNatGateways "ec2:DescribeNatGateways" Plain false "ways to the internet";
    DescribeInternetGateways "ec2:DescribeInternetGateways" Plain false "ways to the internet";
    DescribeEgressOnlyInternetGateways "ec2:DescribeEgressOnlyInternetGateways" Plain false "IPv6 ways to the internet";
    DescribeManagedPrefixLists "ec2:DescribeManagedPrefixLists" Plain false "names of prefix lists";
    GetManagedPrefixListEntries "ec2:GetManagedPrefixListEntries" Keyed false "ranges of prefix lists that groups and routes refer to";
    DescribePrefixLists "ec2:DescribePrefixLists" Plain false "ranges of gateway services such as S3";
    DescribeVpcPeeringConnections "ec2:DescribeVpcPeeringConnections" Plain false "ways to endpoints in another VPC";
    DescribeTransitGatewayVpcAttachments "ec2:DescribeTransitGatewayVpcAttachments" Plain false "ways to endpoints in another VPC";
    DescribeTransitGatewayAttachments "ec2:DescribeTransitGatewayAttachments" Plain true "the route table of a transit gateway attachment";
    GetTransitGatewayRouteTableAssociations "ec2:GetTransitGatewayRouteTableAssociations" Keyed true "the attachments of a transit gateway route table";
    SearchTransitGatewayRoutes "ec2:SearchTransitGatewayRoutes" Keyed true "routes of a transit gateway route table";
    DescribeVpcBlockPublicAccessOptions "ec2:DescribeVpcBlockPublicAccessOptions" Plain false "whether VPC Block Public Access closes the way to the internet";
    DescribeVpcBlockPublicAccessExclusions "ec2:DescribeVpcBlockPublicAccessExclusions" Plain false "VPCs and subnets that Block Public Access leaves open";
    ListClusters "ecs:ListClusters" Plain false "clusters";
    DescribeClusters "ecs:DescribeClusters" Plain false "clusters, their counts, ECS Exec configuration and capacity providers";
    ListContainerInstances "ecs:ListContainerInstances" Keyed false "container instances";
    DescribeContainerInstances "ecs:DescribeContainerInstances" Plain false "agent version and connection, registration time, EC2 instance";
    ListServices "ecs:ListServices" Keyed false "services";
    DescribeServices "ecs:DescribeServices" Plain false "subnets, groups and task definitions of services";
    ListTasks "ecs:ListTasks" Keyed false "tasks, running and recently stopped";
    DescribeTasks "ecs:DescribeTasks" Plain false "interfaces of tasks, images, and why tasks stopped";
    DescribeTaskDefinition "ecs:DescribeTaskDefinition" Outputs false "images, log drivers, secrets, volumes and roles";
    DescribeCapacityProviders "ecs:DescribeCapacityProviders" Plain false "where Managed Instances and Auto Scaling groups put instances";
    DescribeTaskSets "ecs:DescribeTaskSets" Plain true "network configuration of task sets";
    DescribeServiceRevisions "ecs:DescribeServiceRevisions" Plain true "whether GuardDuty watches a service";
    ListAccountSettings "ecs:ListAccountSettings" Plain false "FIPS mode, default log mode, GuardDuty";
    ListHostedZonesByVpc "route53:ListHostedZonesByVPC" Keyed false "private zones that capture names of AWS services";
    ListResourceRecordSets "route53:ListResourceRecordSets" Keyed false "records of private zones for names of AWS services";
    ListResolverRules "route53resolver:ListResolverRules" Plain false "Resolver rules that forward names of AWS services";
    ListResolverRuleAssociations "route53resolver:ListResolverRuleAssociations" Plain false "which VPCs use which Resolver rules";
    ListResolverEndpoints "route53resolver:ListResolverEndpoints" Plain true "inbound Resolver endpoints that own DNS servers forward to";
    ListResolverEndpointIpAddresses "route53resolver:ListResolverEndpointIpAddresses" Keyed true "addresses of inbound Resolver endpoints";
    ListFirewallRuleGroupAssociations "route53resolver:ListFirewallRuleGroupAssociations" Plain false "which VPCs DNS Firewall filters";
    ListFirewallRules "route53resolver:ListFirewallRules" Keyed true "DNS Firewall rules";
    ListFirewallDomainLists "route53resolver:ListFirewallDomainLists" Plain true "who manages a DNS Firewall domain list";
    ListFirewallDomains "route53resolver:ListFirewallDomains" Keyed true "domains that DNS Firewall blocks";
    ListFirewallConfigs "route53resolver:ListFirewallConfigs" Plain true "whether DNS Firewall fails open";
    ListProfileAssociations "route53profiles:ListProfileAssociations" Plain false "Route 53 Profiles in use by a VPC";
    GetInstanceProfile "iam:GetInstanceProfile" Outputs true "the role of container instances";
    GetRole "iam:GetRole" Outputs true "roles of tasks and instances";
    ListAttachedRolePolicies "iam:ListAttachedRolePolicies" Keyed true "managed policies of those roles";
    ListRolePolicies "iam:ListRolePolicies" Keyed true "inline policies of those roles";
    GetRolePolicy "iam:GetRolePolicy" Outputs true "their conditions on VPC and endpoint";
    GetPolicy "iam:GetPolicy" Outputs true "the version of a managed policy in force";
    GetPolicyVersion "iam:GetPolicyVersion" Keyed true "its conditions on VPC and endpoint";
    DescribePullThroughCacheRules "ecr:DescribePullThroughCacheRules" Plain true "repositories whose first pull needs the internet";
    DescribeImages "ecr:DescribeImages" Keyed true "whether a pull-through image is cached";
    ListDetectors "guardduty:ListDetectors" Plain true "whether GuardDuty watches tasks and instances";
    GetDetector "guardduty:GetDetector" Keyed true "whether GuardDuty watches tasks and instances";
    LookupEvents "cloudtrail:LookupEvents" Plain true "through which endpoint calls really came (with --evidence)";
    GetCallerIdentity "sts:GetCallerIdentity" Plain true "the account, where no ARN tells it";
}

impl Action {
    /// The service and the operation as the AWS CLI spells them and snapshot files are named: `ec2.describe-vpcs`.
    #[must_use]
    pub fn operation(self) -> String {
        let (service, operation) = self.name().split_once(':').unwrap_or_default();
        // The CLI spells route53's ListHostedZonesByVPC with one word for VPC; the others follow from the capitals.
        let mut out = format!("{service}.");
        let mut after_lower = false;
        for c in operation.replace("VPC", "Vpc").chars() {
            if c.is_ascii_uppercase() && after_lower {
                out.push('-');
            }
            after_lower = c.is_ascii_lowercase();
            out.push(c.to_ascii_lowercase());
        }
        out
    }

    /// The action whose snapshot files are named so.
    #[must_use]
    pub fn of_operation(operation: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|a| a.operation() == operation)
    }
}

impl std::fmt::Display for Action {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_spelled_as_the_cli_spells_them() {
        assert_eq!(Action::DescribeVpcEndpointServices.operation(), "ec2.describe-vpc-endpoint-services");
        assert_eq!(Action::ListHostedZonesByVpc.operation(), "route53.list-hosted-zones-by-vpc");
        assert_eq!(Action::GetManagedPrefixListEntries.operation(), "ec2.get-managed-prefix-list-entries");
        for action in Action::ALL {
            assert_eq!(Action::of_operation(&action.operation()), Some(*action));
        }
    }
}
