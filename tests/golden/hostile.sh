#!/usr/bin/env bash
# Changes proposed by audit 0.1.0, in the order in which they must be made.
# Nothing here has been run. Read each command before you run it; each changes your account.
# The audit was incomplete: there may be more to mend than it could see.
set -euo pipefail

# NW01 =\u{1b}[31m\u{9b}0m\u{202e}</td><script>alert(1)</script>"'&`$(id)`|**b**[x](javascript:alert(1))  ::error::x%0A=cmd|' /C calc'!A0,\u{200b}]]>Endpoint security group does not admit the workload: sg-0endpoint\u{1b}[31m\u{9b}0m\u{202e}</td><script>alert(1)</script>"'&`$(id)`|**b**[x](javascript:alert(1))  ::error::x%0A=cmd|' /C calc'!A0,\u{200b}]]> (endpoints\u{1b}[31m\u{9b}0m\u{202e}</td><script>alert(1)</script>"'&`$(id)`|**b**[x](javascript:alert(1))  ::error::x%0A=cmd|' /C calc'!A0,\u{200b}]]>) (verified\u{1b}[31m\u{9b}0m\u{202e}</td><script>alert(1)</script>"'&`$(id)`|**b**[x](javascript:alert(1))  ::error::x%0A=cmd|' /C calc'!A0,\u{200b}]]>)
# Left out, for it holds control characters:
#   aws ec2 authorize-security-group-ingress --region us-east-2 --group-id sg-0endpoint --protocol tcp --port 443 --source-group sg-0workload\u{1b}[31m\u{9b}0m\u{202e}</td><script>alert(1)</script>"'&`$(id)`|**b**[x](javascript:alert(1))
#   ::error::x%0A=cmd|' /C calc'!A0,\u{200b}]]>

# EP09 =\u{1b}[31m\u{9b}0m\u{202e}</td><script>alert(1)</script>"'&`$(id)`|**b**[x](javascript:alert(1))  ::error::x%0A=cmd|' /C calc'!A0,\u{200b}]]>No endpoint for CloudWatch Logs: vpc-0a1b2c3d4e5f60718\u{1b}[31m\u{9b}0m\u{202e}</td><script>alert(1)</script>"'&`$(id)`|**b**[x](javascript:alert(1))  ::error::x%0A=cmd|' /C calc'!A0,\u{200b}]]> (shop-prod\u{1b}[31m\u{9b}0m\u{202e}</td><script>alert(1)</script>"'&`$(id)`|**b**[x](javascript:alert(1))  ::error::x%0A=cmd|' /C calc'!A0,\u{200b}]]>) (verified\u{1b}[31m\u{9b}0m\u{202e}</td><script>alert(1)</script>"'&`$(id)`|**b**[x](javascript:alert(1))  ::error::x%0A=cmd|' /C calc'!A0,\u{200b}]]>)
# Left out, for it holds control characters:
#   aws ec2 create-vpc-endpoint --region us-east-2 --vpc-id vpc-0a1b2c3d4e5f60718 --vpc-endpoint-type Interface --service-name com.amazonaws.us-east-2.logs --subnet-ids subnet-0aaaaaaaaaaaaaaa1 subnet-0aaaaaaaaaaaaaaa2 --security-group-ids sg-0endpoint --private-dns-enabled\u{1b}[31m\u{9b}0m\u{202e}</td><script>alert(1)</script>"'&`$(id)`|**b**[x](javascript:alert(1))
#   ::error::x%0A=cmd|' /C calc'!A0,\u{200b}]]>

# AG01 =\u{1b}[31m\u{9b}0m\u{202e}</td><script>alert(1)</script>"'&`$(id)`|**b**[x](javascript:alert(1))  ::error::x%0A=cmd|' /C calc'!A0,\u{200b}]]>Agent too old for a feature in use: prod\u{1b}[31m\u{9b}0m\u{202e}</td><script>alert(1)</script>"'&`$(id)`|**b**[x](javascript:alert(1))  ::error::x%0A=cmd|' /C calc'!A0,\u{200b}]]> (\u{1b}[31m\u{9b}0m\u{202e}</td><script>alert(1)</script>"'&`$(id)`|**b**[x](javascript:alert(1))  ::error::x%0A=cmd|' /C calc'!A0,\u{200b}]]>)
# Left out, for it holds control characters:
#   aws ecs update-container-agent --region us-east-2 --cluster prod --container-instance aaaabbbbccccddddeeeeffff00001111\u{1b}[31m\u{9b}0m\u{202e}</td><script>alert(1)</script>"'&`$(id)`|**b**[x](javascript:alert(1))
#   ::error::x%0A=cmd|' /C calc'!A0,\u{200b}]]>

# By hand:
# - EP04 on vpc-0a1b2c3d4e5f60718\u{1b}[31m\u{9b}0m\u{202e}</td><script>alert(1)</script>"'&`$(id)`|**b**[x](javascript:alert(1))  ::error::x%0A=cmd|' /C calc'!A0,\u{200b}]]> (shop-prod\u{1b}[31m\u{9b}0m\u{202e}</td><script>alert(1)</script>"'&`$(id)`|**b**[x](javascript:alert(1))  ::error::x%0A=cmd|' /C calc'!A0,\u{200b}]]>): =\u{1b}[31m\u{9b}0m\u{202e}</td><script>alert(1)</script>"'&`$(id)`|**b**[x](javascript:alert(1))  ::error::x%0A=cmd|' /C calc'!A0,\u{200b}]]>
