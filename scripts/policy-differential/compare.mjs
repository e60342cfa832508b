// Random policies and requests, judged by @cloud-copilot/iam-simulate and by the evaluator of this project.
// Usage: node compare.mjs BATCH_BINARY COUNT SEED. See ../policy-differential.sh.
import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'

const require = createRequire(process.cwd() + '/package.json')
// The parts below the public functions: those validate context keys against actions, and drop what does not belong.
const root = join(dirname(require.resolve('@cloud-copilot/iam-simulate')), '..', 'esm')
const load = (path) => import(pathToFileURL(path).href)
const { authorize } = await load(join(root, 'core_engine', 'CoreSimulatorEngine.js'))
const { AwsRequestImpl } = await load(join(root, 'request', 'request.js'))
const { RequestContextImpl } = await load(join(root, 'requestContext.js'))
const { DiscoveryContextKeyConstraints } = await load(join(root, 'context_keys', 'discoveryContextKeyConstraints.js'))
const { loadPolicy } = await load(require.resolve('@cloud-copilot/iam-policy'))

const [binary, count, seedText] = [process.argv[2], Number(process.argv[3] ?? 5000), process.argv[4] ?? '1']

// A small seeded generator (mulberry32), so that a run can be repeated.
let state = Number(seedText) >>> 0
const random = () => {
  state = (state + 0x6d2b79f5) >>> 0
  let t = Math.imul(state ^ (state >>> 15), state | 1)
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296
}
const pick = (all) => all[Math.floor(random() * all.length)]
const chance = (p) => random() < p
const some = (all, most) => Array.from({ length: 1 + Math.floor(random() * most) }, () => pick(all))
const scalarOrList = (all) => (all.length === 1 && chance(0.5) ? all[0] : all)

const ROLE = 'arn:aws:iam::111122223333:role/agent'
const SESSION = 'arn:aws:sts::111122223333:assumed-role/agent/i-1'
const REQUESTS = [
  ['ecs:Poll', 'arn:aws:ecs:us-east-2:444455556666:container-instance/prod/1'],
  ['ecs:SubmitTaskStateChange', 'arn:aws:ecs:us-east-2:444455556666:cluster/prod'],
  ['ecr:BatchGetImage', 'arn:aws:ecr:us-east-2:444455556666:repository/team/web'],
  ['logs:PutLogEvents', 'arn:aws:logs:us-east-2:444455556666:log-group:/ecs/web:log-stream:a/b/c']
]
const ACTIONS = ['*', 'ecs:*', 'ecs:Poll', 'ECS:poll', 'ecs:Submit*', 'ecs:P?ll', 'ecr:*', 'ecr:Batch*', 'logs:*Log*', 'logs:PutLogEvents', 's3:*']
const RESOURCES = [
  '*',
  'arn:aws:ecs:*:*:*',
  'arn:aws:ecs:us-east-2:444455556666:container-instance/*',
  'arn:aws:ecs:us-east-2:*:cluster/prod',
  'arn:aws:ecs:us-*-2:444455556666:cluster/p?od',
  'arn:aws:ecs:us-east-2:444455556666:*/${aws:PrincipalTag/cluster}',
  'arn:aws:ecr:*:444455556666:repository/team/*',
  'arn:aws:logs:us-east-2:444455556666:log-group:/ecs/*',
  'arn:aws:logs:us-east-2:444455556666:log-group:*:log-stream:*',
  'arn:aws:s3:::*'
]
const PRINCIPALS = ['*', { AWS: '*' }, { AWS: '111122223333' }, { AWS: 'arn:aws:iam::111122223333:root' }, { AWS: ROLE }, { AWS: SESSION }, { AWS: ['444455556666', ROLE] }, { AWS: '444455556666' }, { Service: 'ecs.amazonaws.com' }]
const STRINGS = ['StringEquals', 'StringNotEquals', 'StringEqualsIgnoreCase', 'StringNotEqualsIgnoreCase', 'StringLike', 'StringNotLike']
const CONDITIONS = {
  'aws:SourceVpc': [STRINGS, ['vpc-1', 'VPC-1', 'vpc-*', 'vpc-?', 'vpc-12', '*'], ['vpc-1', 'vpc-12', 'VPC-1', 'eni-1']],
  'aws:PrincipalTag/cluster': [STRINGS, ['prod', 'test', '${aws:PrincipalTag/team}', "${aws:PrincipalTag/none, 'prod'}"], ['prod', 'test', '*']],
  'aws:PrincipalTag/team': [STRINGS, ['prod', 'web*', '${aws:PrincipalTag/cluster}'], ['prod', 'web', 'web1']],
  'aws:TagKeys': [['ForAllValues:StringEquals', 'ForAnyValue:StringEquals', 'ForAllValues:StringNotEquals', 'ForAnyValue:StringNotEquals', 'ForAllValues:StringLike', 'ForAnyValue:StringNotLike'], ['a', 'b', 'c*'], ['a', 'b', 'c', 'cd']],
  'aws:VpcSourceIp': [['IpAddress', 'NotIpAddress'], ['10.0.0.0/8', '10.1.0.0/16', '10.0.0.1/32', '192.0.2.0/24'], ['10.0.0.1', '10.1.0.1', '192.0.2.1', '198.51.100.1']],
  'aws:CurrentTime': [['DateEquals', 'DateNotEquals', 'DateLessThan', 'DateLessThanEquals', 'DateGreaterThan', 'DateGreaterThanEquals'], ['2026-01-01T00:00:00Z', '2026-06-01T00:00:00Z'], ['2025-12-31T23:59:59Z', '2026-01-01T00:00:00Z', '2026-03-01T00:00:00Z']],
  's3:max-keys': [['NumericEquals', 'NumericNotEquals', 'NumericLessThan', 'NumericLessThanEquals', 'NumericGreaterThan', 'NumericGreaterThanEquals'], ['5', '10', '10.5'], ['4', '5', '7', '10', '11']],
  'aws:MultiFactorAuthPresent': [['Bool'], ['true', 'false'], ['true', 'false']],
  'aws:SourceArn': [['ArnEquals', 'ArnLike', 'ArnNotEquals', 'ArnNotLike'], ['arn:aws:ecs:*:444455556666:task/*', 'arn:aws:ecs:us-east-2:444455556666:task/prod/1', 'arn:aws:*:*:*:*'], ['arn:aws:ecs:us-east-2:444455556666:task/prod/1', 'arn:aws:ecs:us-east-2:111122223333:task/x', 'arn:aws:s3:::b']]
}
const KEYS = Object.keys(CONDITIONS)

const condition = () => {
  const block = {}
  for (let n = Math.floor(random() * 3); n > 0; n--) {
    const key = pick(KEYS)
    const [operators, values] = CONDITIONS[key]
    if (chance(0.15)) {
      block.Null = { ...block.Null, [key]: pick(['true', 'false']) }
      continue
    }
    let operator = pick(operators)
    // Difference 2 of the header: no IfExists behind ForAnyValue.
    if (chance(0.25) && !operator.startsWith('ForAnyValue')) operator += 'IfExists'
    block[operator] = { ...block[operator], [chance(0.1) ? key.toLowerCase() : key]: scalarOrList(some(values, 2)) }
  }
  for (const [operator, keys] of Object.entries(block)) {
    const names = Object.keys(keys)
    for (const name of names) if (name !== name.toLowerCase() && names.includes(name.toLowerCase())) delete keys[name]
    if (Object.keys(keys).length === 0) delete block[operator]
  }
  return block
}
const statement = () => {
  const s = { Effect: chance(0.6) ? 'Allow' : 'Deny' }
  s[chance(0.15) ? 'NotAction' : 'Action'] = scalarOrList(some(ACTIONS, 3))
  s[chance(0.15) ? 'NotResource' : 'Resource'] = scalarOrList(some(RESOURCES, 2))
  s[chance(0.1) ? 'NotPrincipal' : 'Principal'] = pick(PRINCIPALS)
  const block = condition()
  if (Object.keys(block).length > 0) s.Condition = block
  return s
}
const values = () => {
  const context = {}
  for (const key of KEYS) {
    if (chance(0.3)) continue
    const all = CONDITIONS[key][2]
    context[key] = key === 'aws:TagKeys' ? [...new Set(some(all, 3))] : pick(all)
  }
  return context
}

// The caller's own policies allow everything and the resource is another account's, so the outcome is that of the
// policy under test: as a resource policy, since the simulator ignores the Principal of endpoint policies.
const everything = { Version: '2012-10-17', Statement: { Effect: 'Allow', Action: '*', Resource: '*' } }
const simulate = (policy, [action, resource], principal, context) => {
  const request = new AwsRequestImpl(principal, { resource, accountId: '444455556666' }, action, new RequestContextImpl({ ...context }))
  const analysis = authorize({
    request,
    identityPolicies: [loadPolicy(everything, { name: 'all' })],
    serviceControlPolicies: [],
    resourceControlPolicies: [],
    resourcePolicy: loadPolicy(policy, { name: 'tested' }),
    simulationParameters: { simulationMode: 'Strict', discoveryContextKeyConstraints: new DiscoveryContextKeyConstraints([]) },
    serviceSettings: {}
  })
  return analysis.result === 'Allowed' ? 'allow' : 'deny'
}

const cases = []
for (let n = 0; n < count; n++) {
  let policy = { Version: '2012-10-17', Statement: Array.from({ length: 1 + Math.floor(random() * 4) }, statement) }
  // Difference 1 of the header: variables only under the Version that has them.
  if (chance(0.15) && !JSON.stringify(policy).includes('${')) policy = { ...policy, Version: '2008-10-17' }
  const request = pick(REQUESTS)
  const context = values()
  const open = chance(0.4) ? [...new Set(some(KEYS, 3))] : []
  cases.push({ policy, request, context, open })
}
const input = cases.map(({ policy, request, context, open }) => JSON.stringify({
  policy, action: request[0], resource: request[1], principal: SESSION,
  context: KEYS.filter((key) => !open.includes(key) && key in context).flatMap((key) => [context[key]].flat().map((value) => `${key}=${value}`)),
  absent: KEYS.filter((key) => !open.includes(key) && !(key in context)).concat('aws:PrincipalTag/none')
})).join('\n') + '\n'
const run = spawnSync(binary, [], { input, encoding: 'utf8', maxBuffer: 1 << 30 })
if (run.status !== 0) throw new Error(run.stderr)
const decisions = run.stdout.trimEnd().split('\n').map((line) => JSON.parse(line))

const tally = {}
const add = (name) => { tally[name] = (tally[name] ?? 0) + 1 }
const wrong = []
cases.forEach(({ policy, request, context, open }, n) => {
  const own = decisions[n]
  if (open.length === 0) {
    const other = simulate(policy, request, SESSION, context)
    add(`all known: ours ${own.decision}, theirs ${other}`)
    if (own.decision === 'unknown') {
      // With nothing unknown, only forms that AWS does not document may stay open.
      if (own.unknown_keys.length > 0 || !own.reason.includes('does not document')) wrong.push([n, own, other])
      else add('  of these undocumented forms')
    } else if (own.decision !== other) wrong.push([n, own, other])
    return
  }
  // Something unknown: a definite answer must hold for whatever it may be.
  const seen = new Set()
  for (let k = 0; k < 40; k++) {
    const filled = { ...context }
    const fresh = values()
    for (const key of open) { if (key in fresh) filled[key] = fresh[key]; else delete filled[key] }
    seen.add(simulate(policy, request, SESSION, filled))
  }
  const other = [...seen].sort().join(' or ')
  add(`some unknown: ours ${own.decision}, theirs ${other}`)
  if (own.decision === 'error' || (own.decision !== 'unknown' && own.decision !== other)) wrong.push([n, own, other])
})
for (const name of Object.keys(tally).sort()) console.log(`${String(tally[name]).padStart(7)} ${name}`)
for (const [n, own, other] of wrong.slice(0, 10)) console.log(JSON.stringify({ ...cases[n], ours: own, theirs: other }))
console.log(`${wrong.length} unexplained disagreements in ${count} cases (seed ${seedText})`)
process.exit(wrong.length === 0 ? 0 : 1)
