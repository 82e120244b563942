# Every sentence of the pages in English. A key is never reused for a second meaning; values stand as { $name }.
# The sentences of findings are not here: lvs makes them (finding/codes.rs).

## The frame
product = Caribe
skip-to-content = Skip to content
tabs = Pages of this cluster
subtabs = Pages of this virtual server
tab-monitoring = CONTROL/MONITORING
tab-global = GLOBAL SETTINGS
tab-redundancy = REDUNDANCY
tab-virtual-servers = VIRTUAL SERVERS
tab-directors = DIRECTORS
tab-changes = CHANGES
tab-revisions = REVISIONS
sub-virtual-server = VIRTUAL SERVER
sub-real-server = REAL SERVER
sub-scripts = MONITORING SCRIPTS
bar-language = Language
bar-theme = Theme
bar-who = { $name } ({ $role })
bar-own-draft = Your draft
bar-other-draft = Draft by { $name }
theme-system = Auto
theme-light = Light
theme-dark = Dark
active-one = Active: { $director }
active-nobody = No active director
active-several = Several active directors
active-unknown = Active director not known
foot-version = Caribe { $version }
foot-running = Running revision { $number }
foot-nothing-running = Nothing activated yet
role-viewer = viewer
role-operator = operator
role-editor = editor
role-approver = approver
role-admin = administrator

## Words on buttons and links
add = Add
accept = Accept
accept-hint = Goes into your draft; nothing changes on a director until you activate it.
cancel = Cancel
copy = Copy
copied = Copied.
delete = Delete
edit = Edit
activate = Activate
activate-server = Activate
deactivate = Deactivate
discard = Discard
join = Join
revoke = Revoke
to-clusters = All clusters
to-changes = See your draft
to-director = Director { $name }
to-virtual-servers = Virtual servers

## After a form
done-saved = Saved in your draft.
done-added = Added to your draft.
done-deleted = Removed from your draft.
done-activated-server = Switched on in your draft.
done-deactivated-server = Switched off in your draft.
done-imported = The file is now your draft. Look through it below, then activate it.
done-discarded = The draft is gone.
done-rebased = Your draft now starts from the running revision.
done-revoked = The director's certificates are revoked.
done-pushed = The director took the running revision.
done-not-pushed = The director did not take the running revision; what it answered stands below.
done-dial-saved = The address to dial is saved.
done-cluster-deleted = The cluster is deleted.
form-wrong = { $count ->
    [one] One thing needs your attention; nothing was saved.
   *[other] { $count } things need your attention; nothing was saved.
}
severity-error = Error:
severity-warning = Warning:
value-unset = not set
place-field = { $object }, { $field }
place-said = { $place }: { $text }
wrong-missing = This is needed.
wrong-number = This is not a whole number that fits here.
wrong-address = This is not an IPv4 or IPv6 address.
wrong-device = An interface is written like eth0, or eth0:1 with a label; at most 15 characters.
wrong-mask = Write a prefix length such as 24, or a mask such as 255.255.255.0.
wrong-choice = Choose one from the list.
wrong-stale = The draft has changed since this page was opened. What you typed is kept; check it and accept again.
wrong-dial = This address cannot be used: { $reason }
wrong-wait = { $seconds ->
    [one] Too many attempts. Wait one second.
   *[other] Too many attempts. Wait { $seconds } seconds.
}

## Setup and login
setup-title = Set up Caribe
setup-lead = Nobody can sign in yet. Make the first account; it may do everything.
setup-submit = Make the account
label-setup-code = Setup code
hint-setup-code = Caribe printed it when it started, after the word setup-code. It is good for 30 minutes; then a new one is printed.
label-user = User name
hint-user = Letters, digits and . _ @ -
label-password = Password
label-password-again = Password again
hint-password = At least 12 characters; 15 or more are better. Any characters, no other rules.
wrong-setup-code = The setup code is wrong or has expired. Look for the newest one where Caribe runs.
wrong-user-characters = A user name has 1 to 64 characters: letters, digits and . _ @ -
wrong-user-taken = Somebody has this name already.
wrong-password-short = At least 12 characters are needed.
wrong-password-long = At most 256 characters are possible.
wrong-password-common = This is one of the passwords that are tried first.
wrong-password-context = Do not use the user name or the product's name as password.
wrong-password-again = The two passwords differ.
login = Sign in
login-title = Sign in
login-lead = To the Caribe console.
login-forgotten = Forgotten the password? An administrator of the machine sets a new one with caribe passwd.
logout = Sign out
wrong-login = User name or password is wrong.

## Clusters
clusters-title = Clusters
clusters-empty = No cluster yet. Bring your lvs.cf, and Caribe shows what it would do before anything changes.
import = Import a file
import-first = Import lvs.cf
cluster-new = New cluster
cluster-new-instead = or start with an empty cluster
cluster-new-title = New cluster
cluster-new-lead = A name and where its directors are. Everything else can follow.
label-cluster-name = Name of the cluster
hint-cluster-name = At most 64 characters; it can be changed later.
cluster-delete = Delete this cluster
cluster-delete-title = Delete cluster
cluster-delete-question = Delete the cluster { $name } with all its revisions and drafts?
cluster-delete-consequence = The directors keep what they run, but this console forgets them. This cannot be undone.
col-cluster = Cluster
col-active = Active director
col-virtual-servers = Virtual servers
col-directors = Directors
col-running = Revision
col-changed = Activated
col-drafts = Drafts

## Import
import-title = Import a file
import-lead = Piranha's lvs.cf, or the output of ipvsadm --save. The file is read as it is; nothing changes until you activate the draft.
import-text-title = The file
label-import-text = Text of the file
hint-import-text = Paste it here.
label-import-file = Or upload it
hint-import-file = At most 2 MiB. An uploaded file takes the place of the text above.
import-check = Read it
wrong-import-empty = Paste the file's text, or choose a file to upload.
import-found-title = What was found
import-found = { $kind }: { $servers ->
    [one] one virtual server
   *[other] { $servers } virtual servers
}, { $reals ->
    [one] one real server
   *[other] { $reals } real servers
}, { $directors ->
    [one] one director
   *[other] { $directors } directors
}.
import-notes = { $errors ->
    [0] No errors
    [one] One error
   *[other] { $errors } errors
}, { $warnings ->
    [0] no warnings.
    [one] one warning.
   *[other] { $warnings } warnings.
}
import-unusable = { $errors ->
    [one] The file cannot be used as it is: one error. Correct it below and read it again.
   *[other] The file cannot be used as it is: { $errors } errors. Correct them below and read it again.
}
label-import-name = Name of the cluster
hint-import-name = Blank: the name that the file gives, or one made from it.
label-import-into = Take it as
import-into-new = a new cluster
import-into = the new content of { $name }
import-take = Make it a draft
import-take-hint = You see the plan for each director next.
import-lines-title = The file, line by line

## Control and monitoring
monitoring-table = Current LVS routing table
monitoring-shows-running = This page shows what runs, not your draft.
monitoring-no-directors = The running revision names no director.
monitoring-empty = Nothing is running yet.
verdict-nothing-running = Nothing is activated yet.
verdict-nobody-joined = No director has joined yet.
verdict-several = Two directors are active at once. Clients may reach either of them.
verdict-no-contact = No director answers. They go on with what they hold; their state is not known here.
verdict-nobody-active = No director is active, so nobody holds the virtual addresses.
verdict-good = { $director } is active, and every director holds the running revision.
verdict-missing = { $director } is active. { $other } does not answer.
verdict-behind = { $director } is active. { $other } does not hold the running revision yet.
verdict-detail = { $servers ->
    [one] One virtual server
   *[other] { $servers } virtual servers
}, { $connections } active connections.
verdict-detail-none = A draft becomes traffic when it is activated and a director has joined.
card-revision = Revision
card-connected-since = Connected since
card-away-since = No contact since
card-holds = Holds
card-foreign = Not managed here
card-last-push = Last push
state-starting = Starting
state-standby = Standby
state-active = Active
state-fault = Fault
state-stopped = Stopped
state-connecting = Connecting
state-not-joined = Not joined
state-no-contact = No contact
state-waiting = Waiting for the agent
state-draft-only = Only in your draft
sync-unknown = Revision not known
sync-in-sync = In sync
sync-applying = Applying
sync-behind = Holds revision { $held }
sync-empty = Holds no revision
sync-ahead = Holds the newer revision { $held }
sync-other = Holds another revision { $held }
live-on = Live
live-off = Paused
live-pause = Pause
live-resume = Go on
live-interrupted = The live connection is interrupted. Numbers below may be old; it is tried again by itself.
total-connections = { $count } connections since the row was added
pages = Pages of the table
page-before = Previous
page-next = Next
page-of = Page { $number } of { $pages }
col-name = Name
col-address = Address
col-how = How
col-scheduling = Scheduling
col-forwarding = Forwarding
col-weight = Weight
col-active-conn = Active conn.
col-inactive-conn = Inactive conn.
col-conn-rate = Conn./s
col-in = In, bit/s
col-out = Out, bit/s
status-on = Up
status-off = Down

## Global settings
global-lead = What holds for every virtual server of this cluster.
group-environment = Environment
group-nat-router = NAT router
group-timeouts = Session timeouts
label-primary-public = Primary server public IP
label-primary-private = Primary server private IP (may be blank)
hint-public = The director's own address on the clients' side.
hint-private = Its own address on the real servers' side; the second heartbeat path.
label-forwarding = Network type
hint-forwarding = How packets reach a real server.
label-tunnel-kind = Tunnel
label-tunnel-port = Tunnel port
hint-tunnel-port = UDP port, for GUE only.
label-tunnel-checksum = Tunnel checksum
forwarding-nat = NAT (masquerading)
forwarding-direct = Direct routing
forwarding-tunnel = Tunneling
forwarding-inherited = As the cluster: { $forwarding }
forwarding-short-nat = NAT
forwarding-short-direct = Direct
forwarding-short-tunnel = Tunnel
checksum-none = None
checksum-full = Full
checksum-remote = Remote offload
label-nat-router = NAT Router IP
hint-nat-router = The real servers' gateway; it moves to whichever director is active.
label-nat-mask = NAT Router netmask
label-nat-device = NAT Router device
hint-mask = A prefix length such as 24, or a mask such as 255.255.255.0. Blank: the address alone.
hint-device = Such as eth1, or eth1:1 with a label.
label-tcp-timeout = TCP timeout (seconds)
label-tcpfin-timeout = TCP FIN timeout (seconds)
label-udp-timeout = UDP timeout (seconds)
hint-timeout = Blank leaves the kernel's own.

## Redundancy
redundancy-lead = The backup director, and how the two watch each other.
redundancy-not-yet = This release does not switch over by itself. The addresses and the switch below are used: the primary holds the virtual addresses, the backup holds the table without them. Heartbeat, deadtime, link monitoring, connection sync and commands are stored and checked, but nothing acts on them yet.
group-backup = Backup
group-heartbeat = Heartbeat
group-sync = Connection sync
group-commands = Commands
label-redundancy-enabled = Backup active
hint-redundancy-enabled = Whether the backup director takes part.
label-backup-public = Redundant server public IP
label-backup-private = Redundant server private IP
hint-backup-public = Blank removes the backup director.
hint-backup-blank = Blank: there is one director only.
label-interval = Heartbeat interval (milliseconds)
hint-interval = Time between two beats. Piranha wrote seconds here.
label-deadtime = Assume dead after (milliseconds)
hint-deadtime = Silence after which the partner counts as dead; at least three intervals.
label-heartbeat-port = Heartbeat runs on port
hint-heartbeat-port = UDP, on both directors.
label-monitor-links = Monitor NIC links for failures
hint-monitor-links = Watches the carrier of the interfaces that hold a director's own addresses.
label-sync-enabled = Use sync daemon
hint-sync-enabled = Copies connections to the partner's kernel, by unauthenticated multicast.
label-sync-interface = Sync daemon interface
hint-sync-interface = Blank: the private path.
label-sync-id = Sync daemon ID
hint-sync-id = 0 to 255, the same on both directors.
label-active-cmd = Command on becoming active
label-inactive-cmd = Command on becoming standby
hint-cmd = An absolute path with arguments; no shell is used.

## Virtual servers
shows-draft = These are the settings of your draft.
virtual-servers-empty = No virtual server yet.
virtual-server-add = Add a virtual server
virtual-server-new-title = New virtual server
virtual-server-title = Edit virtual server { $name }
virtual-server-delete-title = Delete virtual server
virtual-server-delete-question = Delete the virtual server { $name }?
virtual-server-delete-consequence = { $count ->
    [0] It has no real servers. It goes from your draft; directors keep it until you activate.
    [one] Its real server goes with it. It goes from your draft; directors keep it until you activate.
   *[other] Its { $count } real servers go with it. It goes from your draft; directors keep it until you activate.
}
delete-is-draft = It goes from your draft; directors keep it until you activate.
col-status = Status
col-vip = VIP
col-netmask = Netmask
col-port = Port
col-protocol = Protocol
col-interface = Interface
col-real-servers = Real servers
col-actions = Actions
by-mark = mark { $mark }
port-all = all
device-none = not managed
group-address = Address
group-monitoring = Monitoring
group-scheduling = Scheduling and persistence
label-name = Name
hint-name = At most 64 characters.
label-application-port = Application port
hint-application-port = 1 to 65535; 0 means all ports and needs persistence or a firewall mark.
label-protocol = Protocol
label-vip = Virtual IP Address
hint-vip = The address clients use, IPv4 or IPv6.
label-vip-mask = Virtual IP Network Mask
label-sorry = Sorry Server
hint-sorry = Answers when no real server can. Blank: none.
label-sorry-port = Sorry Server port
hint-sorry-port = Blank: the application port.
label-mark = Firewall Mark
hint-mark = When given, it takes the place of address, protocol and port. Decimal or 0x….
label-family = Address family of the mark
hint-family = For a firewall mark without a virtual address.
family-of-address = As the address
label-device = Device
hint-device-vip = Such as eth0, or eth0:1 with a label. Blank: the address is not put on any interface by Caribe.
label-reentry = Re-entry Time (seconds)
hint-reentry = How long a failed real server must answer again before it is used.
label-check-interval = Check interval (milliseconds)
hint-check-interval = Time between two checks. Piranha used the service timeout for this too.
label-service-timeout = Service timeout (milliseconds)
hint-service-timeout = Time that a check may take. Piranha wrote seconds here.
label-load-monitor = Load monitoring tool
hint-load-monitor = none, rup, ruptime, uptime, or the path of a program.
label-quiesce = Quiesce server
hint-quiesce = A real server that fails gets weight 0 instead of being removed, so its connections can finish.
label-scheduling = Scheduling
hint-scheduling = How a real server is picked for a new connection.
scheduler-rr = Round robin ({ $name })
scheduler-wrr = Weighted round robin ({ $name })
scheduler-lc = Least-connection ({ $name })
scheduler-wlc = Weighted least-connections ({ $name })
scheduler-lblc = Locality-Based Least-Connection Scheduling ({ $name })
scheduler-lblcr = Locality-Based Least-Connection Scheduling with replication ({ $name })
scheduler-dh = Destination Hash Scheduling ({ $name })
scheduler-sh = Source Hash Scheduling ({ $name })
scheduler-sed = Shortest expected delay ({ $name })
scheduler-nq = Never queue ({ $name })
scheduler-fo = Weighted failover ({ $name })
scheduler-ovf = Weighted overflow ({ $name })
scheduler-mh = Maglev hashing ({ $name })
scheduler-twos = Power of two choices ({ $name })
label-flags = Scheduler flags
flag-fallback = Take another real server when the chosen one is unavailable
flag-port = Hash the source port too
flag-3 = Third flag (no scheduler of today uses it)
label-persistence = Persistence (seconds)
hint-persistence = The same client reaches the same real server for this time. Blank: off.
label-persistence-mask = Persistence Network Mask
hint-persistence-mask = Clients whose addresses agree in this many bits count as one. Blank: each by itself.
label-one-packet = One-packet scheduling
hint-one-packet = Schedules every UDP datagram by itself.
label-active = Active
hint-active = Switched off, it stays in the configuration and takes no part.
hint-active-real = Switched off, it stays in the configuration and gets no connections.

## Real servers
real-servers-title = Real servers of { $name }
real-servers-empty = No real server yet, so nobody answers.
real-server-add = Add a real server
real-server-new-title = New real server of { $server }
real-server-title = Edit real server { $name }
real-server-delete-title = Delete real server
real-server-delete-question = Delete the real server { $name } of { $server }?
col-limit = Limit
label-address = Address
hint-real-address = IPv4 or IPv6.
label-port = Port
hint-real-port = Blank: the application port of the virtual server. Only NAT can use another one.
label-weight = Weight
hint-weight = Its share of new connections, 0 to 65535; 0 takes no new ones.
group-forwarding = Forwarding
group-limits = Limits
label-limit-upper = Upper connection limit
hint-limit-upper = Above it, no new connections. Blank: none.
label-limit-lower = Lower connection limit
hint-limit-lower = Below it, new connections again. Blank: three quarters of the upper one.

## Monitoring scripts
scripts-title = Monitoring scripts of { $name }
scripts-lead = What a real server is asked, and what it must answer.
scripts-not-yet = This release stores the checks, but does not run them yet: every real server that is switched on counts as up.
label-send-program = Sending Program
hint-send-program = A program with arguments; %h is the real server's address, %p its port. It goes before Send. Blank: none.
label-send = Send
hint-send = Text that is sent; \r \n \t \\ \' \" are escapes. Blank: nothing is sent.
label-expect = Expect
hint-expect = What the answer must begin with, or what the program must print. Blank: a connection is enough.
label-expect-empty = Any answer will do
hint-expect-empty = With Expect blank: something must come back, whatever it is.
label-regex = Treat expect string as a regular expression

## Directors
directors-lead = The machines that forward the traffic, each with a Caribe agent.
directors-empty = No director yet.
director-add = Add a director
director-new-title = New director
director-title = Director { $name }
director-place = Place and addresses
director-running = What it runs
director-delete-title = Delete director
director-delete-question = Delete the director { $name }?
director-delete-consequence = It goes from your draft. When you activate it, the agent is no longer told anything; its certificate stays until you revoke it.
col-seat = Seat
col-state = State
col-public = Public IP
col-private = Private IP
col-dial = Dialled at
col-revision = Revision
col-certificate = Certificate until
seat-primary = Primary
seat-backup = Backup
seat-none = Not configured
label-seat = Seat
hint-seat = The configured place. Until directors switch over by themselves, the primary holds the virtual addresses.
label-public = Public IP
label-private = Private IP (may be blank)
hint-director-name = Letters, digits and . _ -; its join token is bound to it.
label-dial = Address to dial
hint-dial = Where this console reaches the agent, HOST:PORT. Blank: the address that joins, with the agent's port.
dial-save = Save the address
join-title = Join command
join-make-title = Let it join
join-make-lead = Makes a command to run on the director. It is good once, for 15 minutes.
join-again-lead = This director has joined. A new command is only needed when its machine was set up anew.
join-make = Make the join command
join-steps = Run this on the director as root. The agent makes its own key, gets its certificate here, and is then dialled by this console.
join-expires = Good once, until { $at }. It is not shown again.
join-local = The command names an address of your own machine. Put the address that the director can reach in its place.
join-fingerprint = Fingerprint of this console's internal CA:
join-see = See whether it has joined
push-again = Push again
push-applied = Revision { $revision } applied
push-partial = Revision { $revision } applied in part
push-refused = Revision { $revision } refused
push-unreachable = Not reached with revision { $revision }
push-held = Revision { $revision } held back
revoke-title = Revoke certificates
revoke-question = Revoke all certificates of the director { $name }?
revoke-consequence = The console and this agent no longer trust each other, at once. Its kernel goes on with what it holds. To manage it again it must join again.

## Changes
changes-none = You have no draft. Change something, and it waits here until you activate it.
changes-first = The first configuration of this cluster.
changes-from = Your draft, begun from revision { $base }.
changes-edits = Edits
changes-count = { $count ->
    [one] one edit
   *[other] { $count } edits
}
changes-nothing = The draft says the same as what runs.
changes-findings = Findings
changes-errors = The draft cannot be activated while it has errors.
changes-preview = What each director would be told
changes-steps = { $count ->
    [one] One step on { $director }
   *[other] { $count } steps on { $director }
}
changes-no-steps = Nothing would change in its kernel.
changes-adopted = These services exist already and would be managed here from now on:
changes-foreign = These services are not managed here and stay as they are:
changes-conflict = Changed by { $by }: revision { $number } was activated on { $at }, after you began your draft.
changes-conflict-kept = Your draft is kept. Look at what they changed, then either start your draft from the running revision, or discard it.
changes-rebase = Start my draft from the running revision
changes-see-theirs = See their revision
change-added = { $object }: added
change-removed = { $object }: removed
change-field = { $object }, { $field }:
object-cluster = Cluster
object-director = Director { $name }
object-virtual-server = Virtual server { $name }
object-real-server = Real server { $name }
basis-live = Planned from its kernel now
basis-last-known = Not connected; planned from its kernel as of { $at }
basis-unknown = Never reported; planned for an empty kernel
label-message = Message
hint-message = Why; it stands beside the revision.
activate-needs-approver = Activating needs the role approver.
activated-title = Revision { $revision } is activated
activated-all = Every director has taken it.
activated-part = Revision { $revision } is what should run. Not every director has it yet; each gets it as soon as it can be reached.
activated-results = Result per director
activated-nobody = No director was told anything.
activated-steps = { $count ->
    [one] One step
   *[other] { $count } steps
}
pushed-in-sync = Applied: { $count ->
    [0] nothing to change
    [one] one step
   *[other] { $count } steps
}, { $ms } ms
pushed-partly = Applied in part: { $count ->
    [0] no step done
    [one] one step done
   *[other] { $count } steps done
}, { $ms } ms
pushed-refused = Refused: { $reason }
pushed-unreachable = Not reached: { $reason }
pushed-not-enrolled = No agent has joined yet
pushed-held = Held back: { $reason }
discard-title = Discard the draft
discard-question = Discard your draft?
discard-consequence = Your edits are lost. What runs stays as it is.

## Revisions
revisions-lead = Every configuration that was activated. Nothing in this list ever changes.
revisions-empty = Nothing was activated yet.
revision-title = Revision { $number }
revision-running = Running
revision-parent = Made from revision
revision-digest = Digest
revision-content = Content
col-when = When
col-who = Who
col-message = Message

## Problems
problem-title-400 = Bad request
problem-title-401 = Sign in first
problem-title-403 = Not allowed
problem-title-404 = Not found
problem-title-405 = Wrong method
problem-title-409 = Conflict
problem-title-412 = Changed in the meantime
problem-title-413 = Too large
problem-title-415 = Wrong kind of content
problem-title-422 = Cannot be taken
problem-title-428 = Precondition needed
problem-title-500 = Something went wrong here
problem-title-503 = Not answered in time
problem-not-found = There is nothing at this address.
problem-method = This address does not take this method.
problem-unauthenticated = This needs a login or a valid token.
problem-forbidden = This needs the role { $role }.
problem-foreign-form = This form was not sent by a page of this console, or its session has ended. Go back, load the page again and repeat.
problem-too-large = At most { $kib } KiB are taken here.
problem-malformed = The request could not be read: { $reason }
problem-media-type = This kind of content is not read here.
problem-invalid = The content has errors.
problem-precondition-missing = Say with If-Match which state the change was made for.
problem-stale = It has changed since it was read. Read it again and repeat.
problem-conflict = Changed by { $by } in revision { $revision }.
problem-nothing = The draft says the same as what runs.
problem-refused = Refused: { $reason }
problem-timeout = The answer took too long. What was asked may still be happening; look before you repeat it.
problem-internal = An unexpected error. The console's log tells more.
problem-incident = Look for { $id } in the console's log.
problem-code = Code: { $code }
missing-cluster = There is no cluster { $name }.
missing-draft = There is no draft.
missing-revision = There is no revision { $name }.
missing-director = There is no director { $name }.
missing-virtual-server = There is no virtual server { $name }.
missing-real-server = There is no real server { $name }.
missing-account = There is no account { $name }.
missing-token = There is no token { $name }.
