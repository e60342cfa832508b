#!/usr/bin/env bash
# Changes proposed by audit 0.1.0, in the order in which they must be made.
# Nothing here has been run. Read each command before you run it; each changes your account.
# The audit was incomplete: there may be more to mend than it could see.
set -euo pipefail

# NW01 Endpoint security group does not admit the workload: sg-0endpoint (endpoints) (verified)
aws ec2 authorize-security-group-ingress --region us-east-2 --group-id sg-0endpoint --protocol tcp --port 443 --source-group sg-0workload

# EP09 No endpoint for CloudWatch Logs: vpc-0a1b2c3d4e5f60718 (shop-prod) (verified)
aws ec2 create-vpc-endpoint --region us-east-2 --vpc-id vpc-0a1b2c3d4e5f60718 --vpc-endpoint-type Interface --service-name com.amazonaws.us-east-2.logs --subnet-ids subnet-0aaaaaaaaaaaaaaa1 subnet-0aaaaaaaaaaaaaaa2 --security-group-ids sg-0endpoint --private-dns-enabled

# AG01 Agent too old for a feature in use: prod
aws ecs update-container-agent --region us-east-2 --cluster prod --container-instance aaaabbbbccccddddeeeeffff00001111

# By hand:
# - EP04 on vpc-0a1b2c3d4e5f60718 (shop-prod): 
