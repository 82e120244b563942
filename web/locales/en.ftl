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
bar-zone = Times
bar-who = { $name } ({ $role })
bar-own-draft = Your draft
bar-other-draft = Draft by { $name }
theme-system = Auto
theme-light = Light
theme-dark = Dark
zone-local = Local time
zone-title = Time zone
zone-lead = Times on all pages are told in this zone, in this browser. Files, the API, logs and alerts are always in UTC.
zone-choose = Use this zone
active-one = Active: { $director }
active-nobody = No active director
active-several = Several active directors
active-unknown = Active director not known
foot-version = Caribe { $version }
foot-running = Running revision { $number }
foot-nowhere = Revision { $number } is activated; no director is known to hold it
foot-nothing-running = Nothing activated yet
role-viewer = viewer
role-operator = operator
role-editor = editor
role-approver = approver
role-admin = administrator

## The wall, problems, settings
api-call = As API call
api-call-lead = The same for programs, with a token of your own; a change names the state it was made for (If-Match).
wall-view = Wall view
wall-title = Wall: { $name }
wall-connections = New connections/s
wall-in = In, bit/s
wall-out = Out, bit/s
wall-curve = Active connections, 15 minutes
problems-title = Problems
problems-none = None known.
problems-more = { $count ->
    [one] And one more.
   *[other] And { $count } more.
}
problem-several-active = Several directors are active at once: clients may reach either.
problem-nobody-active = No director is active: no client is answered.
problem-quorum-lost = Virtual server { $name } has fewer real servers up than its quorum.
problem-server-down = Real server { $name } of { $service } is down since { $at }. { $why }
problem-no-data = Director { $name } does not answer since { $at }.
problem-out-of-step = Director { $name } holds something else than what runs.
problem-drift = Somebody changed rows in the kernel of director { $name }.
problem-certificate = The certificate of director { $name } ends { $at }.
settings-title = Settings
settings-lead = Settings of this console itself; those of a cluster are on its own pages.
settings-kept = How long traffic is kept
settings-kept-lead = Samples for charts. One series, of a virtual or real server, takes about 9 bytes a sample while it is busy. Older ones are forgotten within the hour.
label-minute-days = By the minute, days
hint-minute-days = 1 to 400; 14 unless set.
label-coarse-days = By ten minutes, days
hint-coarse-days = 1 to 400, and not less than by the minute; 90 unless set.
wrong-retention = A whole number of days from 1 to 400 is expected.
wrong-retention-order = Not shorter than what is kept by the minute.
settings-facts = This console
settings-facts-lead = Where it listens and what it is called is said when it is started: caribe serve --listen, --name, or the settings file.
settings-version = Version
settings-listens = Listens on
settings-names = Names
settings-installation = Installation
settings-ca = Fingerprint for directors
settings-browser = Fingerprint of the browser certificate
settings-zone = Times are shown in
settings-backup = Last backup
settings-backup-never = never; caribe backup makes one, and the section [backup] of the settings file has them made daily
settings-unknown = not said
settings-support = Support bundle
settings-support-lead = One file with what a developer needs to help you: versions, sizes, what runs in each cluster, what its directors report, the latest events and audit rows. Passwords, keys and tokens are not in it; names, addresses and notes are. Its MANIFEST lists what is in it. For a director: caribe support-bundle, there.
settings-support-get = Download the support bundle
done-settings-saved = The settings are saved and hold from now on.

## Help
help-title = Help
help-lead = Part of the program: it needs no network.
help-contents = Parts of the help
help-jobs = How to
help-keys = Keys
help-words = Words
help-more = More
help-job-import = Bring a configuration along
help-how-import = All clusters → Import. Give lvs.cf, keepalived.conf or ipvsadm commands as files or text. What was read, with warnings by line, becomes a draft; nothing changes on a director.
help-job-director = Add a director
help-how-director = DIRECTORS → Add a director, activate, then Join on its page: the command shown there is run on the machine. It uses a token that is good once and for a quarter of an hour.
help-job-service = Add a virtual server
help-how-service = VIRTUAL SERVERS → Add, then its real servers. CHANGES shows what each director's kernel will be told; Activate makes it true.
help-job-drain = Take a real server out without breaking connections
help-how-drain = On the real server's page press Drain: it gets no new connections, the curve falls, and the page says when it is safe to stop. Servers by machine drains a machine in all its services.
help-job-why-down = Find out why a real server is down
help-how-why-down = Click its name on CONTROL/MONITORING: each director says why, since when, and what went over the wire. Check now asks it at once.
help-job-switch-over = Let the other director take over
help-how-switch-over = DIRECTORS → the active director → Switch over. The page refuses where the other one is not ready, and says why.
help-job-second-factor = Sign in with a second factor
help-how-second-factor = Your name at the top → Set up a second factor. An authenticator app reads a picture and makes the codes; ten recovery codes are for when the phone is lost. Settings can demand it of roles.
help-job-passkey = Sign in with a passkey
help-how-passkey = Your name at the top → Passkeys → Add a passkey. It takes the place of a code, or of password and code. The console must be opened by a host name, always the same.
help-job-undo = Go back to what ran before
help-how-undo = REVISIONS → the revision → Restore. Activating with a time to keep goes back by itself unless somebody keeps it.
help-key-search = goes to the search field, except while something is being typed
help-key-tab = goes through links, fields and buttons in their order; the first leads past the header
help-key-enter = follows a link or presses a button
help-keys-on = The key / is in use in this browser.
help-keys-off = The key / does nothing in this browser.
help-keys-switch-off = Switch it off
help-keys-switch-on = Switch it on
help-lost = When phone and recovery codes are lost, on the machine of the console:
help-command = On the command line, every command explains itself:
help-status = On a director, without the console:
help-api = The REST API: every page's functions, for programs
help-term-virtual-server = Virtual server
help-means-virtual-server = An address, protocol and port, or a firewall mark, that is balanced over real servers.
help-term-vip = Virtual address (VIP)
help-means-vip = The address clients use. It moves with the active director.
help-term-real-server = Real server (RS)
help-means-real-server = A machine that answers clients.
help-term-director = Director (LB)
help-means-director = A machine that runs the agent and forwards packets with the kernel's IPVS.
help-term-active = Active, standby
help-means-active = What a director is at this moment: the active one holds the virtual addresses, the other waits.
help-term-seat = Primary, backup
help-means-seat = A director's configured place; it says nothing about who is active.
help-term-heartbeat = Heartbeat
help-means-heartbeat = Messages between the two directors. When they stop for the deadtime, the other one takes over.
help-term-split = Two active directors
help-means-split = Both think the other is gone. The one that claimed last keeps the addresses as soon as they hear each other.
help-term-forwarding = Forwarding
help-means-forwarding = How packets get to a real server: NAT through the director, direct routing on the same network, or a tunnel.
help-term-scheduler = Scheduler
help-means-scheduler = The rule by which the kernel picks a real server: wlc, rr and others.
help-term-weight = Weight
help-means-weight = A real server's share of new connections; 0 takes none.
help-term-persistence = Persistence
help-means-persistence = The same client comes to the same real server for a time.
help-term-mark = Firewall mark
help-means-mark = A number that the firewall puts on packets, so that several ports become one virtual server.
help-term-connections = Active and inactive connections
help-means-connections = Active: established. Inactive: being opened or closed, and all of UDP.
help-term-check = Check
help-means-check = What each director asks of a real server to know whether it is up.
help-term-quorum = Quorum
help-means-quorum = The weight that must be up for a virtual server to be served by its real servers.
help-term-sorry-server = Sorry server
help-means-sorry-server = Answers when no real server can.
help-term-drain = Drain
help-means-drain = No new connections; the old ones finish. Piranha called something like it quiesce.
help-term-draft = Draft
help-means-draft = What one person is editing. Nothing of it runs until it is activated.
help-term-revision = Revision
help-means-revision = What was activated, with a number. It never changes; an older one can be activated again.
help-term-trial = Trial
help-means-trial = A revision that directors undo by themselves unless somebody keeps it in time.
help-term-four-eyes = Four eyes
help-means-four-eyes = A rule that a cluster may have: nobody activates a draft of their own. Whoever changes something asks, and somebody else activates it.
help-term-drift = Drift
help-means-drift = A row of ours in a director's kernel that something else has changed.
help-term-foreign = Foreign row
help-means-foreign = A row in a director's kernel that Caribe was never asked for. It stays as it is until somebody adopts it.
help-term-sync = Connection sync
help-means-sync = Copying of connections to the standby's kernel, so that they survive a take-over.

## Search
search-title = Search
search-lead = Clusters, virtual and real servers, machines, directors, revisions and accounts, by name, address, author or message. The key / leads here from every page.
search-question = Name, address or words
search-button = Search
search-results = What was found
search-kind = Kind
search-detail = Address, author or role
search-nothing = Nothing here is called or addressed “{ $question }”.
search-more = { $count ->
    [one] One more is not shown. One more word narrows it down.
   *[other] { $count } more are not shown. One more word narrows it down.
}
search-revision = Revision { $number }
found-cluster = Cluster
found-virtual-server = Virtual server
found-real-server = Real server
found-machine = Machine
found-director = Director
found-revision = Revision
found-account = Account

## Topology
topology-title = Topology
topology-lead = Which way connections go now: clients, virtual servers, directors, real servers. Every box is a link.
topology-picture = Picture of the cluster; the table below says the same
topology-clients = Clients
topology-unchecked = not checked
topology-up = { $up } of { $all } up
topology-table = The same as a table
topology-servers = Real servers
topology-more = Not drawn: { $services } more virtual servers and { $machines } more machines. The table has all of them.

## Charts of the past
sub-traffic = TRAFFIC
traffic-title = Traffic
traffic-title-of = Traffic of { $name }
traffic-lead = What went through each virtual server, as the active director counted it.
traffic-lead-of = What went through each real server, as the active director counted it.
traffic-drag = Drag over a chart to see a time larger.
traffic-range = How far back
traffic-own-range = From – until
traffic-from = From ({ $zone })
traffic-until = Until ({ $zone })
traffic-csv = CSV file
traffic-marks = What happened in this time
traffic-no-marks = Nothing that would explain a step in the charts.
range-15m = 15 minutes
range-1h = 1 hour
range-6h = 6 hours
range-24h = 24 hours
range-7d = 7 days
range-30d = 30 days
chart-connections = New connections per second
spark-in = In, bits per second
spark-out = Out, bits per second
chart-active = Active connections
chart-open = Open connections
chart-bits = Bits per second
chart-packets = Packets per second
chart-halves = In above, out below the line, each with its own scale
chart-empty = Nothing was recorded in this time.
chart-now = Latest
chart-in-now = In, latest
chart-out-now = Out, latest
chart-mean = Mean
chart-most = Highest
chart-table = As a table
chart-time = Time ({ $zone })
chart-other = { $count } others
curve-title = Connections in the last 15 minutes
drain-open = connections are open, active and inactive.
drain-estimate = { $minutes ->
    [one] If they go on falling like this, they are gone in about a minute.
   *[other] If they go on falling like this, they are gone in about { $minutes } minutes.
}
drain-no-estimate = They do not fall evenly enough to say when they are gone.
drain-none-left = None is left.

## Words on buttons and links
add = Add
accept = Accept
accept-hint = Goes into your draft; nothing changes on a director until you activate it.
cancel = Cancel
copy = Copy
copied = Copied.
delete = Delete
edit = Edit
remove = Remove
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
done-rebased = Your draft now holds their changes as well, and starts from the running revision.
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
wrong-addresses = Each must be an IPv4 or IPv6 address; separate them by blanks, commas or lines.
wrong-status = Write status codes from 100 to 599 or ranges of them, such as 200, 301-302.
wrong-command = A quote is not closed, or nothing follows the backslash at the end.
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
login-with-code = I have a one-time code
login-with-passkey = Sign in with a passkey
administration = Administration
accounts-title = Accounts
accounts-lead = Who may sign in, and what each may do. Everything done here is in the audit log.
account-title = Account { $name }
account-add = Add an account
account-enabled = May sign in
account-disabled = Disabled
account-delete-title = Delete the account { $name }
account-delete-question = Delete the account { $name }?
account-delete-consequence = Its sessions end, its tokens and drafts are removed. What it activated stays, with its name.
label-disabled = Disabled
hint-disabled = Ends its sessions at once; nobody signs in with it until this is taken back.
hint-role = Each role may also do what the ones before it may: viewer, operator, editor, approver, administrator.
reset-lead = Takes the password away, ends all sessions, and shows a one-time code with which its person sets another.
reset-password = Reset the password
code-title = One-time code for { $name }
code-lead = Give it to { $name }. With it they set a password at /password, once, until { $at }. It is not shown again.
password-title = Set your password
password-lead = With the one-time code that an administrator gave you.
password-set = Set it and sign in
label-password-code = One-time code
hint-password-code = Spaces and hyphens do not matter.
label-password-new = New password
label-password-current = Present password
me-title = My account
me-password = Password
me-password-change = Change the password
me-sessions = Where I am signed in
session-this = This session
session-end = End
sessions-end-others = End all others
tokens-title = Tokens
tokens-lead = What automation signs in with. A token never may more than its owner.
tokens-empty = There is no token yet.
token-add = Make a token
token-everywhere = All clusters
token-over = Over
token-made-title = Token { $name }
token-made-lead = Copy it now; it is not shown again. Only its hash is kept.
token-delete-title = Delete the token { $name }
token-delete-question = Delete the token { $name }?
token-delete-consequence = Whatever uses it is refused from now on.
label-days = Days
hint-days = After so many days it ends by itself.
audit-title = Audit
audit-lead = Who did what, from where. Rows are only ever added; each is chained to the one before.
audit-check = Check the chain
audit-csv = As CSV
audit-whole = Every row fits the one before it: nothing was changed or taken out.
audit-broken = Row { $number } does not fit the one before it: somebody changed the log, or took rows out.
audit-all-clusters = All
audit-empty = No row fits.
col-role = Role
col-sessions = Sessions
col-made = Made
col-source = From
col-began = Began
col-seen = Last used
col-begins = Begins with
col-reaches = Reaches
col-owner = Owner
col-ends = Ends
col-last-used = Last used
col-number = No.
col-subject = To what
col-detail = Details
wrong-last-admin = This is the last administrator who can sign in. Make somebody else an administrator first.
wrong-role = Choose a role.
wrong-days = A number of days from 1 to { $most } is expected.
wrong-password-code = The code is wrong, was used, or has expired. An administrator can make a new one.
wrong-current = That is not your present password.
logout = Sign out
wrong-login = User name or password is wrong.

## Clusters
clusters-title = Clusters
clusters-empty = No cluster yet. Bring your lvs.cf, and Caribe shows what it would do before anything changes.
import = Import a file
import-first = Import your configuration
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
import-lead = Piranha's lvs.cf, keepalived.conf of one or both directors, the output of ipvsadm --save, or a script of ipvsadm lines. The files are read as they are; nothing changes until you activate the draft.
import-text-title = The files
import-text-name = Text { $number }
import-add-text = Add another text
label-import-file-name = Name of the file
hint-import-file-name = Findings call it so. May be blank.
label-import-kind = Kind of file
hint-import-kind = Found out by the text, unless chosen.
file-kind-auto = By its text
file-kind-lvs-cf = lvs.cf (Piranha)
file-kind-ipvsadm = ipvsadm --save, or a script of ipvsadm lines
file-kind-keepalived = keepalived.conf; several are the nodes of one cluster
file-kind-keepalived-paste = keepalived.conf within any text, such as a forum post
label-import-strict = Strict
hint-import-strict = Everything is an error that the original program refused.
label-import-text = Text
hint-import-text = Paste it here.
label-import-file = Or upload files
hint-import-file = At most 2 MiB together; several at once for the two nodes of a keepalived pair and for files that they include. They take the place of empty texts above.
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
import-take-hint = You see the edits and the plan for each director next.
import-lines-title = { $name }, line by line
import-place = Line { $line }:
import-place-file = { $file }, line { $line }:
import-see-findings = See them
import-show-candidate = Show it
label-import-candidate = Cluster in the text
hint-import-candidate = The text describes several; one is taken.
import-take-ours = Make it a draft with Caribe's timers
import-take-ours-hint = Caribe's heartbeat and timers are an edit of their own, to be seen and undone in the draft.
import-more-steps = { $count ->
    [one] One further step is not shown here.
   *[other] { $count } further steps are not shown here.
}
suggestion = Suggestion:
failover-title = Fail-over time
failover-time = When the active director dies, its partner takes over after { $typical } seconds, at worst { $worst }.
failover-none = Nobody takes over when the director dies: redundancy is off or has no partner.
failover-ours = With Caribe's heartbeat and timers: at worst { $worst } seconds.
own-timers = Use Caribe's heartbeat and timers

## Control and monitoring
monitoring-table = Current LVS routing table
monitoring-shows-running = This page shows what runs, not your draft.
monitoring-no-directors = The running revision names no director.
monitoring-empty = Nothing is running yet.
monitoring-uneven = Conn./s are new connections, averaged over two seconds. Schedulers such as wlc balance connections that are open, not how many come: a real server that answers faster gets more of them, so uneven numbers here are no fault.
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
}, { $count ->
    [one] one active connection
   *[other] { $connections } active connections
}.
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
total-connections = { $count ->
    [one] One connection
   *[other] { $connections } connections
} since the row was added
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
status-off = Switched off
status-down = Down
status-returning = Returning
status-unknown = Not known yet
status-unchecked = Not checked
status-no-director = No director
status-no-server = No real server

## Global settings
global-lead = What holds for every virtual server of this cluster.
group-environment = Environment
group-nat-router = NAT router
group-timeouts = Session timeouts
group-drift = Drift
label-drift = When a row is changed behind our back
hint-drift = Rows of this cluster in a director's kernel that somebody else changed or removed. Rows that are not ours are never touched.
drift-repair = Put it right after a short delay
drift-hold = Leave it, show it, and wait for a decision
label-primary-public = Primary server public IP
label-primary-private = Primary server private IP (may be blank)
hint-public = The director's own address on the clients' side. Blank where it is not known; the heartbeat and VRRP unicast need it.
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
group-backup = Backup
group-protocol = Protocol
group-vrrp = VRRP instances
group-take-over = Taking over
group-further-addresses = Further addresses
redundancy-heartbeat = Heartbeat of Caribe
redundancy-vrrp = VRRP, as keepalived speaks it
redundancy-pulse = Piranha's beat, not authenticated: only while migrating
label-protocol-kind = The directors speak
hint-protocol-kind = The heartbeat is authenticated and notices a dead partner after the time below; Caribe's own timers make that half a second. VRRP pairs with keepalived. Piranha's beat pairs with a director that still runs Piranha, so that a pair is migrated one at a time. Changing from VRRP to the heartbeat drops the instances.
label-vrrp-version = Version
hint-vrrp-version = 2 has whole seconds and passwords; 3 has hundredths and IPv6. IPv6 is always version 3.
vrrp-lead = The virtual routers. All of them are held by the same director.
vrrp-number = Instance { $number }
vrrp-add = Add an instance
label-vrrp-interface = Interface
hint-vrrp-interface = Advertisements go out of it.
label-vrid = Virtual router ID
hint-vrid = 1 to 255, the same on both directors and used by nobody else on this network.
label-priority-primary = Priority of the primary
hint-priority = 1 to 255; the higher one is preferred.
label-priority-backup = Priority of the backup
hint-priority-backup = Lower than the primary's.
label-vrrp-password = Password (auth_pass)
hint-password-set = A password is set and is not shown. Blank keeps it. At most 8 bytes, version 2 only.
hint-password-unset = No password is set. At most 8 bytes, version 2 only; it protects against mistakes, not against attackers.
label-no-password = Take the password away
password-again = Type the password again; it is not kept in the page.
label-vrrp-addresses = Addresses
hint-vrrp-addresses = Those that are advertised, in this order; one to a line.
label-unicast = Unicast
hint-unicast = Sent to the partner's public IP instead of the multicast group.
label-preempt = Take back after a return
hint-preempt = The director of the better seat takes the addresses back when it returns. Off: they stay where they are.
label-preempt-delay = Wait before taking back (seconds)
hint-preempt-delay = 0 to 1000.
further-addresses-lead = They move together with the virtual addresses and belong to no virtual server, such as the gateway of a network behind the directors.
further-address-number = Address { $number }
further-address-add = Add an address
label-mask = Network mask
group-sync = Connection sync
group-commands = Commands
label-redundancy-enabled = Backup active
hint-redundancy-enabled = Whether the backup director takes part.
label-backup-public = Redundant server public IP
label-backup-private = Redundant server private IP
hint-backup-public = Blank where it is not known; the heartbeat and VRRP unicast need it. Both addresses blank removes the backup director.
hint-backup-blank = Blank: there is one director only.
label-interval = Interval (milliseconds)
hint-interval = Time between two beats or VRRP advertisements. Piranha wrote seconds here.
label-deadtime = Assume dead after (milliseconds)
hint-deadtime = Silence after which the partner counts as dead; at least three intervals.
label-heartbeat-port = Heartbeat runs on port
hint-heartbeat-port = UDP, on both directors.
label-monitor-links = Monitor NIC links for failures
hint-monitor-links = A director gives the addresses up when an interface that holds its own addresses, or a virtual one, is gone, switched off or without carrier. A bond counts as one interface.
label-sync-enabled = Use sync daemon
hint-sync-enabled = Copies connections to the partner's kernel, by unauthenticated multicast.
label-sync-interface = Sync daemon interface
hint-sync-interface = Blank: the private path.
label-sync-id = Sync daemon ID
hint-sync-id = 0 to 255, the same on both directors.
label-active-cmd = Command on becoming active
label-inactive-cmd = Command on becoming standby
hint-cmd = A program in /etc/caribe/hooks on the director, or in the folder hooks of its agent, with arguments; no shell is used. It may run for 60 s, and nothing waits for it.

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
scripts-lead = What every real server is asked, and what it must answer. A real server may have checks of its own instead.
own-scripts-title = Monitoring scripts of real server { $name }
own-scripts-lead = A real server is checked as its virtual server says, unless it has checks of its own.
label-own-checks = Checks
hint-own-checks = Own checks replace all checks and times of the virtual server.
checks-of-service = As the virtual server
checks-of-own = Checks of its own
real-service-checks = { $count ->
    [0] The virtual server checks nothing, so it always counts as up.
    [one] Checked as the virtual server says, by one check.
   *[other] Checked as the virtual server says, by { $count } checks.
}
real-own-checks = { $count ->
    [0] It has no checks and always counts as up.
    [one] It has one check of its own.
   *[other] It has { $count } checks of its own.
}
to-own-checks = Monitoring scripts of this real server
own-checks = own checks
group-checks = Checks
group-check-times = Times and counts
scripts-more-times = Re-entry time, check interval and service timeout stand with the virtual server:
checks-none = No check: every real server counts as up.
check-number = Check { $number }
check-add = Add a check
label-check-kind = Kind of check
hint-check-kind = Adding and removing changes this page only; Accept puts it into your draft.
check-connect = TCP connection
check-send-expect = Send and expect
check-program = Sending program, its output is compared
check-command = Program, its exit status decides (MISC_CHECK)
check-http = Web page (HTTP, HTTPS)
check-smtp = Mail server (SMTP)
check-dns = Name server (DNS)
check-udp = UDP datagram
check-ping = ICMP echo (ping)
check-mysql = MySQL greeting
check-tls = TLS handshake
check-postgres = PostgreSQL accepts connections
check-redis = Redis PING
label-check-weight = The exit status says the weight
hint-check-weight = 0: the configured one; 1: down; 2 to 255: a weight of 0 to 253 (keepalived: misc_dynamic).
label-matching = How the answer is compared
matching-prefix = It begins with the text
matching-contains = It holds the text
matching-regex = The text is a regular expression
label-tls-expiry = Warn before the certificate ends (days)
hint-tls-expiry = The server stays in use; 0: no warning.
label-http-body-regex = The body text is a regular expression
label-dns-answer = Expected answer
hint-dns-answer = Data of one of the records, such as an address. Blank: any answer.
label-check-user = User
hint-check-user = Named to the database; nobody logs in to PostgreSQL.
label-check-database = Database
hint-check-database = Blank: that of the user.
label-check-password = Password
hint-check-password = Sent with AUTH. Blank: stays as it is.
label-check-no-password = Without a password
check-more-request = More about the request and TLS
label-http-method = Method
label-http-headers = Further headers
hint-http-headers = One in each line, such as X-Probe: 1. Everybody sees them.
label-http-authorization = Authorization header
hint-http-authorization = Such as Bearer and a token; never shown. Blank: stays as it is.
label-check-no-authorization = Without an Authorization header
label-tls-name = Name in the certificate
hint-tls-name = Sent to the server as well. Blank: the host, else the address.
label-tls-send-name = Send the name (SNI)
hint-tls-send-name = Off: the server chooses its certificate without it.
label-tls-authorities = Trusted authorities (PEM)
hint-tls-authorities = Blank: those of the director's system.
label-tls-certificate = Client certificate (PEM)
hint-tls-certificate = With those between it and its authority. Blank: none is shown.
label-tls-key = Client key (PEM)
hint-tls-key = Never shown again. Blank: stays as it is.
check-more-way = Its own port, address and times
hint-check-own = Blank: as for all checks.
label-check-address = Address that is asked
hint-check-address = Blank: the real server's (keepalived: connect_ip).
label-check-source = Ask from address
label-check-source-port = Ask from port
hint-check-source-port = Blank: any (keepalived: bind_port).
label-check-interface = Ask through interface
label-check-mark = Firewall mark of the questions
label-check-timeout = Time for a check (milliseconds)
hint-check-mark = For routing rules; decimal or 0x…. Blank: none.
hint-source = One of the director's addresses (keepalived: bindto). Blank: as the routes say.
hint-interface = Whatever the routes say. Blank: as the routes say.
label-combine = Several checks
hint-combine = What makes a server up.
combine-all = All must pass
combine-any = One that passes is enough
monitor-more-return = Coming back, damping and spread
label-slow-start = Slow start (seconds)
hint-slow-start = The weight of a returning server rises over this time. Blank: it is whole at once.
label-ramp = How the weight rises
ramp-linear = Evenly
ramp-doubling = From a 32nd, doubled each fifth of the time (Piranha)
label-damping = Failures until it is kept out
hint-damping = A server that goes down so often is kept out, however it answers. Blank: never.
label-damping-within = Within (seconds)
hint-damping-within = Blank: 600.
label-damping-hold = Kept out for (seconds)
hint-damping-hold = Blank: 300.
label-spread = Spread of the first checks (milliseconds)
hint-spread = They begin at random within this time (keepalived: warmup). Blank: the check interval.
monitor-more-way = From where is asked
label-data-path = Through the data path
hint-data-path = Also ask the virtual address on the real server, as clients' packets arrive there: finds servers that lack it on their loopback, and tunnels that do not work. For TCP by direct routing and tunnels.
label-load-command = Program
hint-load-command = rup, ruptime, uptime, or a path with arguments; the real server's address is its last argument.
load-none = none
load-program = Program (Piranha)
load-line = Agent that answers with a line (HAProxy agent-check)
load-http = Agent that answers with JSON over HTTP
label-load-port = Port of the agent
hint-load-send = Text that is sent first. Blank: nothing.
hint-load-path = Blank: /load.
label-load-minimum = Least weight (percent)
label-load-maximum = Greatest weight (percent)
label-load-interval = Asked every (milliseconds)
hint-load-bounds = Blank: the usual of its kind.
server-more-quorum = Quorum, and more about the sorry server
label-quorum = Quorum
hint-quorum = Weight of real servers that must be up. Without it backup real servers join, then the sorry server takes over.
label-hysteresis = Hysteresis
hint-hysteresis = The quorum is lost below it by this much, and regained above it by this much.
label-sorry-forwarding = Forwarding to the sorry server
hint-sorry-forwarding = A tunnel is a plain one unless it has been set otherwise.
forwarding-cluster = As the cluster
label-sorry-check = Checks of the sorry server
hint-sorry-check = One that is down is not used.
sorry-check-never = None: always counts as up
sorry-check-connect = TCP connection
sorry-check-same = The checks of this virtual server
label-on-failure = When it fails
on-failure-service = As the virtual server says
on-failure-quiesce = Weight 0 (quiesce)
on-failure-remove = It is removed
label-backup-server = Backup real server
hint-backup-server = Takes part only while the others do not reach the quorum.
wrong-headers = Write one header in each line, such as X-Probe: 1.
label-http-path = Path
hint-http-path = Begins with /; may have a query.
label-http-host = Host
hint-http-host = Host header, and the name sent with TLS. Blank: address and port.
label-http-tls = Over TLS (HTTPS)
hint-http-tls = Off: plain HTTP.
label-http-verify = Verify the certificate
hint-http-verify = It must be valid for the host.
label-http-status = Status codes
hint-http-status = Such as 200, 301-302. Blank: 200 to 299.
label-http-version = HTTP version
label-http-body = Body matches
hint-http-body = Text that it must hold. Blank: any body.
label-http-body-absent = The body must not match
hint-http-body-absent = Turns the expression round.
label-http-digest = MD5 of the body
hint-http-digest = 32 hexadecimal digits, as genhash prints them. Blank: any body.
label-helo = HELO name
hint-helo = Blank: the name of the director.
label-dns-name = Name asked for
hint-dns-name = A dot is the root.
label-dns-record = Record
label-reply-needed = Silence is a failure
hint-reply-needed = Off: only a refusal is.
label-fall = Failures until down
hint-fall = Failures in a row that take a server out; keepalived: retry and one.
label-rise = Successes until up
hint-rise = Successes in a row that bring it back.
label-retry-delay = Delay before a retry (milliseconds)
hint-retry-delay = After a failure while it still counts as up (keepalived: delay_before_retry).
label-check-port = Port that is asked
hint-check-port = Blank: the port of the real server.
label-start = Before the first result
hint-start = When nothing is known of a server from before, such as after it was added.
start-unknown = Not used; the first result decides
start-up = Used, as if up (keepalived)
start-down = Down until it has answered often enough (keepalived: alpha)
label-send-program = Sending Program
hint-send-program = A program with arguments; %h is the real server's address, %p its port. No shell is used.
label-send = Send
hint-send = Text that is sent; \r \n \t \\ \' \" are escapes. UDP: hexadecimal bytes. Blank: nothing is sent.
label-expect = Expect
hint-expect = What the answer is compared with, or what the program must print. UDP: hexadecimal bytes, X for any digit. Blank: nothing is compared.
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
hint-seat = The configured place. The two directors decide between themselves which of them is active; where neither is yet, it is the primary.
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
changes-nat = Real servers are reached by NAT: each director must forward packets (net.ipv4.ip_forward=1, for IPv6 net.ipv6.conf.all.forwarding=1). Caribe leaves these parameters as they are unless the directors are prepared (GLOBAL SETTINGS, host set-up).
changes-steps = { $count ->
    [one] One step on { $director }
   *[other] { $count } steps on { $director }
}
changes-no-steps = Nothing would change in its kernel.
changes-adopted = These services exist already and would be managed here from now on:
changes-foreign = These services are not managed here and stay as they are:
changes-conflict = Changed by { $by }: revision { $number } was activated on { $at }, after you began your draft.
changes-see-theirs = See their revision
rebase-clean = Your draft is kept. You and they changed different things, so both fit together: take their changes in, then look at the result and activate it.
rebase-conflicts = { $count ->
    [one] Your draft is kept. You both changed the same thing: choose whose it shall be. Everything else fits together.
   *[other] Your draft is kept. You both changed the same { $count } things: choose whose each shall be. Everything else fits together.
}
rebase-theirs = Activated since you began
rebase-was = It was: { $value }
rebase-take-theirs = By { $by }: { $value }
rebase-take-mine = In your draft: { $value }
rebase-do = Take their changes into my draft
rebase-order = { $object }, order of { $field }
rebase-removed = removed
rebase-changed = kept, with { $fields }
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
label-keep = Keep it
keep-at-once = At once
keep-minutes = { $count ->
    [one] When I confirm within one minute
   *[other] When I confirm within { $count } minutes
}
hint-keep = Without a confirmation in time each director goes back by itself, even where the console cannot be reached any more.
trial = Revision on trial
trial-runs = Revision { $number } is on trial.
trial-until = Unless somebody keeps it, it is undone on { $at }.
trial-over = being undone
trial-keep = Keep it
trial-undo = Undo now
revision-undone = Undone
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
compare = Compare
compare-changes = What changed
compare-title = From revision { $from } to revision { $to }
compare-first = Revision { $to }, the first of all
compare-from = From
compare-to = To
compare-parent = the one it was made from
compare-steps = What the kernel of each director is told
compare-steps-lead = From a kernel that holds all of the one to a kernel that holds all of the other.
differences = Differences
differences-count = { $count ->
    [one] in one object
   *[other] in { $count } objects
}
differences-none = Both say the same.
restore = Restore
restore-number = Restore revision { $number }
restore-title = Restore revision { $number }
restore-lead = Activated by { $who } on { $at }. It becomes a new revision on top of what runs; nothing is lost. This is what would change:
restore-replaces = You have a draft of this cluster. Restoring replaces it.
restore-message = Back to revision { $number }
restore-draft = Restore as my draft
restore-activate = Restore and activate now
exports-title = Take it out
exports-revision = Files of revision { $number }, for other programs or to keep.
exports-draft = Files of your draft, for other programs or to keep.
exports-clear = The files contain VRRP passwords in the clear. Keep them where nobody else can read them.
exports-withheld = VRRP passwords are not in these files; the role editor is needed for that.
exports-refused = Cannot be expressed
exports-refused-lead = Files of this kind cannot say what stands here:
exports-left-out = { $count ->
    [one] One setting is not in it
   *[other] { $count } settings are not in it
}
export-lvs-cf = lvs.cf, for Piranha
export-keepalived = keepalived.conf, one for each director
export-ipvsadm = Table of the active director, for ipvsadm --restore
export-json = JSON, as the API reads and writes it
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
problem-title-507 = No room
problem-not-found = There is nothing at this address.
problem-method = This address does not take this method.
problem-unauthenticated = Sign in first, or send a valid token.
problem-forbidden = This needs the role { $role }.
problem-foreign-form = This form was not sent by a page of this console, or its session has ended. Go back, load the page again and repeat.
problem-too-large = At most { $kib } KiB are taken here.
problem-malformed = The request could not be read: { $reason }
problem-media-type = This kind of content is not read here.
problem-invalid = The content has errors.
problem-precondition-missing = Say with If-Match which state the change was made for.
problem-stale = It has changed since it was read. Read it again and repeat.
problem-conflict = Changed by { $by } in revision { $revision }.
problem-unmerged = Revision { $revision } by { $by } changed the same as your draft: choose at each conflict.
problem-nothing = The draft says the same as what runs.
problem-limited = This token is for another cluster.
problem-on-trial = Revision { $revision } is on trial. Keep it or undo it first.
problem-not-on-trial = Revision { $revision } is not on trial, or its time is over.
problem-refused = Refused: { $reason }
problem-timeout = The answer took too long. What was asked may still be happening; look before you repeat it.
problem-no-room = The disk with the console's data is full or read-only: nothing was saved. Make room there and repeat. Directors go on with what they hold.
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
missing-session = There is no session { $name }.
missing-passkey = There is no passkey { $name }.
missing-enrolment = No join token is open for director { $name }.

# Adoption and drift
verdict-drift = { $director } is active. On { $other }, { $count ->
    [one] one row was
   *[other] { $count } rows were
 } changed by something else; this is about to be repaired.
verdict-held = { $director } is active. On { $other }, { $count ->
    [one] one row was
   *[other] { $count } rows were
 } changed by something else; this stays until somebody decides.
sync-drifted = { $count ->
    [one] One row changed
   *[other] { $count } rows changed
 } by something else
sync-held = { $count ->
    [one] One changed row
   *[other] { $count } changed rows
 } held
done-adopted = The rows are part of your draft. Look at it here, then activate it.
done-repaired = The director has put its kernel right.
done-not-repaired = The director did not put all of it right. This page says what is left.
done-theirs = What the director holds is your draft. Activating it pushes it.
kernel-title = In its kernel
kernel-foreign = { $count ->
    [one] One service is not managed here.
   *[other] { $count } services are not managed here.
 }
kernel-managed = Every service is managed here.
kernel-never = This console has not reached its agent since it started, so what its kernel holds is not known here.
kernel-adopt = See and adopt
kernel-drift = { $count ->
    [one] One row was changed by something else.
   *[other] { $count } rows were changed by something else.
 }
kernel-drift-none = It holds what was activated.
kernel-drift-see = See what changed
theirs-lead = It holds revision { $held }, whose content this console does not know. Nothing is pushed to it until somebody decides.
theirs-take = Take theirs as a draft
theirs-overwrite = Overwrite it with what runs here
adopt-title = Adopt what { $name } runs
adopt-lead = These rows are in its kernel and not managed here. Tick those that are to become part of your draft. Unless a row says otherwise, activating it changes nothing in this kernel.
adopt-unknown = { $name } has not reported what its kernel holds. Rows appear here once its agent has joined and is connected.
adopt-empty = The kernel of { $name } holds nothing that is not managed here.
adopt-old = { $name } is not connected. These rows are from { $at }.
adopt-nothing = Tick at least one row.
adopt-becomes-server = Virtual server { $name }, { $count ->
    [one] one real server
   *[other] { $count } real servers
 }
adopt-becomes-placed = { $what }, on { $device } with prefix length { $prefix }
adopt-becomes-router = NAT router address
adopt-becomes-floating = Address that moves with the virtual addresses
adopt-becomes-timeouts = Session timeouts of the global settings
adopt-known = Your draft has this service already; it would be made as the kernel has it.
adopt-same = { $director } holds the same.
adopt-other = { $director } holds it otherwise.
adopt-changes = Activating it would change this kernel:
adopt-ticked = Adopt the ticked rows
adopt-all = Adopt { $count ->
    [one] the one service that changes nothing
   *[other] all { $count } services that change nothing
 }
rows-more = Only the first { $shown } of { $count } rows are shown one by one.
drift-title = What changed on { $name }
drift-lead-repair = Something else changed these rows of its kernel. They are put right after a short delay, which grows when it happens again and again.
drift-lead-hold = Something else changed these rows of its kernel. They stay as they are until somebody decides here.
drift-none = The kernel of { $name } holds what was activated.
drift-old = { $name } is not connected. This is what it said last.
drift-since = since { $at }
drift-due = repaired at { $at }
drift-held = held
drift-times = { $count ->
    [one] Repaired once lately; something changed it again.
   *[other] Repaired { $count } times lately; something keeps changing it.
 }
drift-found = The kernel holds
drift-gone = It is gone from the kernel.
drift-steps = The repair
drift-repair-ticked = Repair the ticked rows now
drift-repair-all = Repair all of them now
drift-take = Take the ticked rows over as a draft
drift-lately = Repaired lately

# Heartbeat
beats-title = Heartbeat
beats-reason = Why it is so
beats-heard = Partner
beats-partner = { $state }, revision { $revision }
beats-partner-state = { $state }
beats-vrrp-unheard = Not heard: a VRRP backup is silent
beats-routers = Virtual routers
beats-router = Virtual router { $id }: priority { $priority } here, advertised from { $source }.
beats-router-mute = Virtual router { $id }: priority { $priority } here, not advertised, because its interface cannot be used.
beats-router-heard = { $source } advertises it with priority { $priority }.
beats-router-mismatch = { $source } advertises it in a way that does not fit.
beats-partner-unheard = Not heard yet
beats-ready = Ready to take over
beats-ready-yes = Yes, with the connections that can be kept
beats-ready-no = Not yet: connections of its partner are missing, or its table is not complete
beats-sync-none = Not running in its kernel
beats-sync-master = Sends on { $interface }, id { $id }.
beats-sync-backup = Receives on { $interface }, id { $id }.
order-switch-over = Hand over to the partner
order-force = Even if it has not all connections yet
order-hint-force = To hand over all the same, tick “{ $tick }” beside the button below; connections that are missing there are lost.
order-take-over = Take over from the partner
order-hold = Hold: do not take over
order-resume = End the hold
done-switched-over = The partner has taken over: this director is standby.
done-switch-over-begun = The director hands over to its partner, and has not ended yet. What is so now stands below.
done-taken-over = The director has taken over: it is active.
done-take-over-asked = The director asks its partner to hand over, and is still standby. The partner hands over as soon as this one is ready; what it waits for stands below.
done-held = The director is held: it does not take over by itself.
done-resumed = The director may take over again.
done-restored = The old revision is your draft. Look through it, then activate it.
done-kept = The revision stays.
done-undone = The revision is undone. What ran before runs again, as a new revision.
done-account-saved = The account is saved.
done-account-deleted = The account is deleted.
done-password = Your password is changed; your other sessions have ended.
done-session-ended = The session has ended.
done-token-deleted = The token is deleted.
reason-started = It has just started and listens.
reason-late = It was delayed and listens before it goes on.
reason-alone = It has no partner.
reason-partner-silent = The partner was silent for longer than the deadtime.
reason-partner-stopped = The partner said that it stops.
reason-partner-fault = The partner said that it cannot serve.
reason-partner-held = The partner is held by an operator.
reason-preferred = Neither was active, and this one is preferred.
reason-partner-passive = Neither was active, and the preferred partner did not act.
reason-granted = The partner handed over.
reason-taken-back = It handed over, and the partner did not take it up.
reason-partner-active = The partner is active.
reason-partner-newer = Both were active; the partner took over later.
reason-handed-over = It handed over to the partner.
reason-partner-preferred = Neither is active, and the partner is preferred.
reason-link-down = An interface that it needs has no carrier, or is gone.
reason-lease-failed = The life of the virtual addresses could not be renewed in the kernel.
reason-recovered = What kept it from serving is over; it listens.
reason-stopped = It was told to stop.
concern-partner-silent = The partner is not heard.
concern-one-way = The partner is heard, but does not hear this director. Look at the network between them.
concern-other-key = Beats from the partner's address fail authentication: it may have another key.
concern-other-revision = The partner holds another revision.
concern-same-seat = Both directors sit in the same seat.
concern-same-director = Somebody else speaks under this director's name: a copied machine?
concern-other-interval = The partner beats at another interval.
concern-both-active = Both directors are active.
concern-epoch-not-durable = An epoch was used before it was on the disk. Look at the disk.
concern-not-claiming-held = It would take over, and does not: it is held.
concern-other-service = What comes from the partner is no beat of Piranha for virtual servers: it speaks another protocol, or runs failover services (FOS). This director waits.
concern-unauthenticated = The directors speak Piranha's beat, which authenticates nothing. Change to the heartbeat when both directors are Caribe's.
concern-not-claiming-other-key = It would take over, and does not: a partner with another key answers for the addresses.
concern-not-claiming-witness = It would take over, and does not: the partner has just said that it is active.
concern-not-claiming-address-in-use = It would take over, and does not: it has not heard its partner yet, and somebody answers for the virtual addresses.
concern-not-claiming-isolated = It would take over, and does not: it is cut off from the network itself.
concern-mismatch-malformed = Somebody advertises one of these virtual routers with a damaged advertisement.
concern-mismatch-version = Somebody advertises one of these virtual routers with another version.
concern-mismatch-authentication = Somebody advertises one of these virtual routers with another kind of authentication.
concern-mismatch-password = Somebody advertises one of these virtual routers with another password.
concern-mismatch-interval = Somebody advertises one of these virtual routers with another interval.
concern-mismatch-checksum = Somebody advertises one of these virtual routers with a wrong checksum.
concern-mismatch-addresses = Somebody advertises one of these virtual routers with other addresses.
concern-mismatch-virtual-router-id = Somebody advertises one of these addresses as another virtual router (VRID).
concern-mismatch-delivery = Somebody advertises one of these virtual routers by multicast where this director uses unicast, or the other way round.

## Events

tab-events = EVENTS
events-lead = What happened on the directors, between them, and between them and this console. Who changed what is in the audit log and in the revisions.
events-all = All events
events-all-directors = All directors
events-all-severities = All
events-severity = Severity
events-show = Show
events-empty = Nothing has happened yet.
events-none-yet = Nothing has happened yet.
events-console = Console
events-newest = Newest
events-older = Older
monitoring-events = Latest events
col-director = Director
col-what = What
event-severity-info = Notice
event-severity-warning = Warning
event-severity-critical = Critical
least-info = Notices and worse
least-warning = Warnings and worse
least-critical = Critical only
event-agent-started = The agent has started (version { $version }).
event-agent-stopped = The agent has stopped; traffic goes on with what the kernel holds.
event-agent-stopped-release = The agent has stopped and let go of everything.
event-state-starting = It listens, and has not decided yet.
event-state-standby = It is standby.
event-state-active = It is active.
event-state-fault = It cannot serve.
event-state-stopped = It has stopped.
event-concern-cleared = No longer so: { $concern }
event-order-switch-over = An operator had it hand over to the partner.
event-order-take-over = An operator had it ask the partner to hand over.
event-order-hold = An operator holds it.
event-order-resume = An operator ended the hold.
event-order-forced = { $order } Connections were allowed to be lost.
event-order-refused = { $order } It was not followed: { $reason }
event-configured = Revision { $revision } was taken; steps done: { $steps }.
event-configured-failures = Revision { $revision } was taken; steps done: { $steps }, failed at first: { $failures }.
event-drifted = Something else changed { $row }; it will be put right.
event-drifted-held = Something else changed { $row }; it stays until somebody decides.
event-repaired = { $row } was put right.
event-lease-failed = The life of the virtual addresses could not be renewed: { $reason }
event-lease-renewed = The life of the virtual addresses is renewed again.
event-link-gone = The interface { $interface } is gone.
event-link-down = The interface { $interface } is switched off.
event-link-no-carrier = The interface { $interface } has no carrier.
event-link-back = The interface { $interface } can be used again.
event-hook-active = The program for the active director has run.
event-hook-active-failed = The program for the active director failed: { $reason }
event-hook-inactive = The program for a director that is not active any more has run.
event-hook-inactive-failed = The program for a director that is not active any more failed: { $reason }
event-contact-made = The console reaches it.
event-contact-lost = The console does not reach it: { $reason }
event-activated = { $by } activated revision { $revision }.
event-activated-message = { $by } activated revision { $revision }: { $message }
event-on-trial = Revision { $revision } is on trial: it is undone after { $seconds } s unless somebody keeps it.
event-kept = { $by } keeps revision { $revision }.
event-kept-here = Revision { $revision } stays; it is on trial no longer.
event-went-back = Nobody kept revision { $revision } in time: this director holds revision { $to } again.
event-undone = { $by } undid revision { $revision }. Revision { $new } says what ran before.
event-undone-unkept = Nobody kept revision { $revision } in time. Revision { $new } says what ran before.
event-unknown = { $kind } (told by another version)
refused-held = this director is held.
refused-other-key = the partner speaks with another key and holds the addresses.
refused-witness = the partner has just said that it is active.
refused-address-in-use = somebody answers for a virtual address, and the partner has not been heard yet.
refused-isolated = this director is cut off from the network.
refused-partner-absent = the partner is not heard.
refused-partner-unable = the partner is not a standby that can take over.
refused-partner-not-ready = the partner does not have the connections yet.
refused-wrong-state = its state does not allow it.

# What checks say.
health-unknown = Not known yet
health-up = Up
health-down = Down
health-re-entering = Returning
why-started = It has not been asked yet.
why-asked = Its checks are new and have not been answered yet.
why-unchecked = Nobody checks it, so it counts as up.
why-answered = It answers as it should.
why-failed = { $failure } So often in a row: { $failures }.
why-reentering = It answers again: { $successes } of { $needed } times.
why-damped = It answers again, but it fell { $falls } times lately and stays out for { $seconds } seconds.
failure-refused = It refuses connections: nobody listens there.
failure-timed-out-connect = No connection came about in time.
failure-timed-out-tls = TLS was not agreed in time.
failure-timed-out-first-byte = It took the connection and said nothing in time.
failure-timed-out-total = Its answer was not complete in time.
failure-timed-out-data-path = It answers, but not as clients' packets reach it: the virtual address on it is silent. Is the address on its loopback, and does its tunnel work?
failure-reset = It reset the connection.
failure-unreachable = It cannot be reached from the director.
failure-closed-early = It ended the connection before its answer was complete.
failure-mismatch = It answered, but not as expected.
failure-status = It answered with status { $code }.
failure-protocol = What it answered is not understood, or is an error.
failure-data-path-refused = It answers, but refuses clients' packets: nothing listens on the virtual address there, or its firewall says no.
failure-tls-expired = Its certificate has expired.
failure-tls-not-yet-valid = Its certificate is not valid yet.
failure-tls-name = Its certificate is for another name.
failure-tls-untrusted = Nobody whom the director trusts has signed its certificate.
failure-tls-revoked = Its certificate was revoked.
failure-tls-client-certificate = It wants a client certificate, or does not accept the one it was shown.
failure-tls-handshake = No version or cipher of TLS could be agreed.
failure-tls-not-tls = What answers there does not speak TLS.
failure-program-missing = The program is not there, or may not be run.
failure-program-exit = The program ended with status { $status }.
failure-program-signal = The program was ended by signal { $signal }.
failure-program-timed-out = The program did not end in time and was killed.
failure-dns-code = The name server answered with error { $code }.
failure-dns-answer = The name server has no such record.
failure-agent = Its own agent says that it is down: { $says }
trouble-descriptors = The director has no file descriptor left for its checks.
trouble-source-address = The director has no port or address left to ask from, or no route.
trouble-resolver = The resolver of the director does not answer.
trouble-resources = The director has no memory left, or could start no process.
trouble-permission = The agent lacks the right to ask so.
trouble-not-possible-here = This cannot be asked from this director.
trouble-cut-off = This director hears neither its partner nor any server: it is cut off itself.
trouble-lost = A check was begun and never ended.
trouble-late = The director was too busy to check in time.
event-verdict-up = { $server } of { $service } is up.
event-verdict-down = { $server } of { $service } is down. { $why }
event-verdict-re-entering = { $server } of { $service } answers again and is not used yet. { $why }
event-verdict-unknown = Of { $server } of { $service } nothing is known any more. { $why }
## Orders for real servers
done-ordered = The order is given. Directors that are reached follow it at once, the others when they are back.
orders-title = Orders
orders-lead = An order holds on every director at once and needs no activation. New revisions, restarts and fail-over do not end it.
orders-none = Nothing is ordered: it serves as its checks say.
ordered-enabled = Enabled by { $by } at { $at }.
ordered-draining = Draining: it takes no new connections and finishes the old ones. Ordered by { $by } at { $at }.
ordered-disabled = Disabled: it is out of the table. Ordered by { $by } at { $at }.
ordered-machine = This holds for the machine { $address }, in all its services.
ordered-reason = Reason: { $reason }
ordered-until = It ends by itself at { $at }.
ordered-at-once = The persistence of its clients is ended as well.
deadline-wait = It should be empty by { $at }; connections left then are waited for.
deadline-cut = It should be empty by { $at }; connections left then are cut off.
drain-left = { $director }: { $count ->
    [one] one connection left.
   *[other] { $count } connections left.
}
drain-uncounted = { $director }: connections are not counted yet.
drain-done = { $director }: empty.
drain-may-return = { $director }: empty, but { $count ->
    [one] one client may
   *[other] { $count } clients may
} come back until persistence ends.
drain-overdue = { $director }: the deadline has passed, and { $count ->
    [one] one connection is
   *[other] { $count } connections are
} left.
drain-cut = { $director }: the deadline has passed; what was left was cut off.
label-order-reason = Reason
label-order-deadline = Should be empty within (minutes)
hint-order-deadline = For draining. Empty: it may take as long as it takes.
label-order-cut = Then cut off what is left
label-order-at-once = Drain now: end the persistence of its clients
hint-order-at-once = Until it is empty, this director setting applies to all persistent services: { $services }. Clients of theirs lose their real server where it stands at weight 0.
hint-order-at-once-nobody = No virtual server has persistence: nothing more would happen.
label-order-ramp = Give the weight back over (seconds)
hint-order-ramp = For enabling. Empty: as its slow start says.
label-order-machine = For the whole machine { $address }, in all its services
order-enable = Enable
order-drain = Drain
order-disable = Disable
server-state-title = State of { $name }
to-server-state = State and orders
server-sentence = { $verdict } since { $at }. { $why }
server-deactivated = It is deactivated: no director checks it or sends clients to it.
server-nothing-known = No director has said anything about it yet.
server-differ = The directors do not agree. Where only one cannot reach it, look at the network between that director and the server.
bands-title = Last day and last week
band-day = 24 hours
band-week = 7 days
band-up = Up
band-down = Down
band-ordered = Ordered out
band-unknown = Not known
band-falls = Went down
band-part = { $what } from { $from }, { $long }
band-table = As a table
band-from = From
band-state = State
band-lasted = For
band-more = { $count ->
    [one] One earlier part is not shown.
   *[other] { $count } earlier parts are not shown.
}
lasting-seconds = { $seconds } s
lasting-minutes = { $large } min { $small } s
lasting-hours = { $large } h { $small } min
lasting-days = { $large } d { $small } h
server-since = Since { $at }.
server-in-table = It is in the table with weight { $weight }.
server-out-of-table = It is not in the table: no client is sent to it.
server-not-checked = This director does not check it.
server-checker-troubled = The check itself does not work. That is not held against the server.
server-checker-stuck = No result has come for { $seconds } seconds.
server-templates = Persistent clients
server-not-running = This real server is only in a draft. It is checked once it is activated.
evidence-good = It answered as it should.
evidence-at = When
evidence-class = Kind of failure
evidence-target = Asked at
evidence-source = Asked from
evidence-connect = Connected after
evidence-tls = TLS handshake
evidence-first-byte = First byte after
evidence-total = All of it
evidence-certificate = Certificate ends
evidence-detail = More
evidence-recent = { $count ->
    [one] The last check
   *[other] The last { $count } checks
}: { $failed } failed, { $unasked } could not be asked. The newest is on the right; the higher, the longer it took.
evidence-bar = { $at }: { $what }
evidence-sent = { $count ->
    [one] One byte sent
   *[other] { $count } bytes sent
}
evidence-received = { $count ->
    [one] One byte received
   *[other] { $count } bytes received
}
evidence-nothing-received = Nothing received
evidence-failure = Last failure
evidence-success = Last success
evidence-trouble = Could not be asked
check-now = Check now from every director
check-now-of = Asked now by { $director }
check-now-not = It did not ask: { $reason }
orders-give = Give an order
safe-now = Safe to stop: no director has a connection to it.
safe-not-yet = { $count ->
    [one] Not yet safe to stop: one connection is left.
   *[other] Not yet safe to stop: { $count } connections are left.
}
safe-may-return = No connection is left, but persistent clients may come back until their time ends.
safe-unknown = Whether it is safe to stop is not known: { $director } does not answer.
safe-nobody-says = Whether it is safe to stop is not known: no director has said how many connections are left.
label-order-for = Ends by itself after (minutes)
hint-order-for = For draining and disabling. Empty: until somebody enables it.
machines-title = Servers by machine
machines-lead = Every address that answers for a virtual server, with all it does. An order for a machine holds in all its services at once.
machines-empty = Nothing runs yet, so there is no machine to show.
machine-connections = { $count } connections in all its services.
machine-ordered-draining = The whole machine is draining.
machine-ordered-disabled = The whole machine is disabled.
machine-drain = Drain in all its services
machine-enable = Enable in all its services
instruction-draining = Draining
instruction-disabled = Disabled
col-health = Health
col-ordered = Ordered
object-service = Service
event-ordered-enabled = { $by } enabled { $server }.
event-ordered-draining = { $by } ordered { $server } to drain.
event-ordered-disabled = { $by } disabled { $server }.

# What the agents set up on the directors
group-host = Host set-up
global-more-host = IPVS parameters
label-host-prepare = Prepare the directors' kernels
hint-host-prepare = Forwards packets and sends no ICMP redirects where a service needs it: real servers behind NAT, a NAT router, masquerading. What was set before is put back when it is no longer needed.
label-masquerade = Masquerade outwards
hint-masquerade = Networks behind the directors whose packets leave with a director's own address, one on each line, perhaps with the interface they leave by: 192.168.81.0/24 eth0. The rules stand in the nftables table “caribe”; other tables are never touched.
label-expire-nodest = End connections of removed real servers
hint-expire-nodest = net.ipv4.vs.expire_nodest_conn. On: a client is given another real server at once.
label-expire-quiescent = End persistence at weight 0
hint-expire-quiescent = net.ipv4.vs.expire_quiescent_template. On: clients of a drained real server move at their next connection.
label-conntrack = Netfilter follows balanced connections
hint-conntrack = net.ipv4.vs.conntrack. Needed only where rules of your own translate or match packets on their way to real servers; it costs time for each packet.
switch-leave = Leave as the host has it
switch-on = On
switch-off = Off
label-marked = Packets that get the mark
hint-marked = Protocol, address and port or ports, one on each line: tcp 192.0.2.1 80 or tcp 192.0.2.1 5000-5100. So one service takes several ports. Blank: rules of your own mark them.
wrong-masquerade = One network on each line, such as 192.168.81.0/24 or 192.168.81.0/24 eth0.
wrong-marked = Protocol, address and port on each line, such as tcp 192.0.2.1 80 or tcp 192.0.2.1 5000-5100.

# What stands in a director's way
obstacle-capability = The agent lacks { $name }. Run it as root, or give it this capability.
obstacle-not-forwarding = Real servers are reached through this director, and it forwards no packets ({ $parameter } is 0). Let the directors be prepared (GLOBAL SETTINGS, host set-up), or set it to 1.
obstacle-interface = The cluster names the interface { $interface }, which this director does not have.
obstacle-dropping-input = The chain “{ $chain }” drops what its rules do not accept. They must let in the services' ports, the heartbeat (UDP 539) or VRRP (protocol 112), connection sync (UDP 8848) and the console (TCP 3637); no rule of Caribe's can overrule it.
obstacle-dropping-forward = The chain “{ $chain }” drops what its rules do not accept. They must let packets pass to the real servers behind NAT and back; no rule of Caribe's can overrule it.
obstacle-keepalived = A keepalived runs on this director, too. Stop it before the same addresses and services are activated here, or let only one of them hold them.
obstacle-answering-server = The real server { $machine } ({ $hardware }) answers for the virtual address { $address } on { $interface }, so some clients go past this director. Let it keep silent: “caribe real-server”, or arp_ignore = 1 and arp_announce = 2 there.
obstacle-answering = Another machine ({ $hardware }) answers for the virtual address { $address } on { $interface }, so some clients go past this director. Find it by this hardware address: a real server without arp_ignore = 1, or a machine that was given the same address.

# The REST API as it describes itself.
api-about = Everything the pages do. Send "Authorization: Bearer TOKEN"; read an object, send its ETag back as If-Match with a change. Changes go into the token's draft and run when it is activated.
api-problem = Nothing was done; the body says why (RFC 9457).
api-group-system = The console itself
api-group-clusters = Clusters, whole
api-group-virtual-servers = Virtual servers
api-group-real-servers = Real servers
api-group-runtime = What goes on now, and orders
api-group-directors = Directors
api-group-drafts = Drafts and their activation
api-group-exports = Files of other kinds
api-group-imports = Files that are brought along
api-group-revisions = What ran before
api-group-accounts = Accounts
api-group-tokens = API tokens
api-group-audit = Who did what
api-op-getRoot = Where to begin
api-op-getOpenapi = This description
api-op-getMetrics = Numbers of all directors for Prometheus
api-op-listClusters = List clusters
api-op-getCluster = Read a whole cluster
api-op-createCluster = Make a cluster
api-op-replaceCluster = Make a cluster what the body says, and run it
api-op-patchCluster = Change name, global settings or redundancy
api-op-deleteCluster = Remove a cluster; its directors' kernels are not touched
api-op-getStatus = What the directors report now, with counters
api-op-listEvents = List events, the newest first
api-op-listVirtualServers = List virtual servers
api-op-createVirtualServer = Add a virtual server
api-op-getVirtualServer = Read a virtual server
api-op-replaceVirtualServer = Replace a virtual server with its real servers
api-op-patchVirtualServer = Change fields of a virtual server
api-op-deleteVirtualServer = Remove a virtual server
api-op-listRealServers = List real servers
api-op-createRealServer = Add a real server
api-op-getRealServer = Read a real server
api-op-replaceRealServer = Replace a real server
api-op-patchRealServer = Change fields of a real server
api-op-deleteRealServer = Remove a real server
api-op-getHealth = Read what each director's checks say of a real server, and why
api-op-checkNow = Have every director ask a real server at once
api-op-orderRealServer = Enable, drain or disable a real server
api-op-orderMachine = Enable, drain or disable all real servers with one address
api-op-listOrders = List the orders that hold, and who follows them
api-op-orderDirector = Hand over, take over, hold or resume
api-op-listDirectors = List directors
api-op-createDirector = Add a director
api-op-getDirector = Read a director and what it reports
api-op-replaceDirector = Replace a director's settings
api-op-patchDirector = Change fields of a director, or where the console dials it
api-op-deleteDirector = Remove a director
api-op-createJoinToken = Make a token with which an agent joins, once
api-op-listForeignRows = List what its kernel holds that Caribe did not order
api-op-adoptRows = Take rows of its kernel into the draft
api-op-repairRows = Put right what something else changed in its kernel
api-op-changeHeartbeatKey = Change the key of a cluster's heartbeat
api-op-revokeDirector = End its certificates and its join token at once; its kernel stays as it is
api-op-listEnrollments = List join tokens that are not used yet
api-op-deleteEnrollment = End a join token that is not used yet
api-op-listRoles = List roles and what each permits
api-op-listVips = List virtual addresses and who holds them
api-op-listProbes = List what each director's checks say of every real server, and why
api-op-listProblems = List what is wrong now, the worst first
api-op-tryCheck = Have directors ask once what a check says, before it is configured
api-op-getSystem = Read what this console is
api-op-getSettings = Read the console's own settings
api-op-patchSettings = Change the console's own settings
api-op-listBackups = List the console's backups, and whether the last attempt failed
api-op-createBackup = Make a backup of the console now
api-path-owner = Name of the account or token whose draft it is
api-path-enrollment = Id of the director that the token is for
api-header-link = Where the next page is, as rel="next" (RFC 8288); absent on the last
api-header-retry-after = Of 429: seconds until there is room again
api-role-viewer = Sees everything but secrets
api-role-operator = Also gives orders to running servers and directors
api-role-editor = Also changes drafts
api-role-approver = Also activates drafts, and tries checks out
api-role-admin = Also manages directors' certificates, accounts, tokens and the console itself
api-op-getMe = Who this token or session is, and what it may do
api-op-pushRevision = Send it what runs again, over a newer or unknown revision
api-op-takeTheirs = Make what it holds the draft
api-op-listDrafts = List everybody's drafts
api-op-getDraftOf = Read somebody's draft and what activating it would do
api-op-activateDraftOf = Run somebody else's draft
api-op-requestActivation = Ask somebody else to run the own draft
api-op-withdrawRequest = Take that back
api-op-getDraft = Read the own draft and what activating it would do
api-op-discardDraft = Forget the own draft
api-op-activateDraft = Run the own draft
api-op-listActivations = List activations since the console started
api-op-getActivation = Read how an activation goes, or how it ended
api-op-getRebase = Read what was activated since the draft was begun
api-op-rebaseDraft = Take what was activated in the meantime into the draft
api-op-listExports = List the kinds of files a configuration can be taken out as
api-op-getExport = Take a configuration out as files of that kind
api-op-listRevisions = List revisions, the newest first
api-op-getRevision = Read a revision with its content
api-op-compareRevision = Compare a revision with another
api-op-restoreRevision = Make an old revision the draft, or run it
api-op-keepRevision = Keep what runs on trial
api-op-undoRevision = Undo what runs on trial
api-op-listAccounts = List accounts
api-op-createAccount = Make an account; the answer holds the code that sets its password
api-op-getAccount = Read an account
api-op-changeAccount = Change role, or disable
api-op-deleteAccount = Remove an account
api-op-deleteSecondFactor = Take a second factor away: the phone is lost
api-op-listPasskeys = List an account's passkeys
api-op-deletePasskey = Remove one of an account's passkeys
api-op-createPasswordCode = Take a password away; the answer holds the code that sets another
api-op-listTokens = List API tokens
api-op-createToken = Make an API token; the answer holds its secret, once
api-op-getToken = Read an API token, without its secret
api-op-deleteToken = End an API token
api-op-listAudit = List rows of the audit log, the newest first
api-op-checkAudit = Check that the audit log is as it was written
api-op-import = Read files as a new cluster
api-op-importInto = Read files as the draft of a cluster
api-path-cluster = Id or name of the cluster
api-path-server = Id or name of the virtual server
api-path-real = Id or name of the real server
api-path-director = Id or name of the director
api-path-address = IP address of the machine
api-path-number = Number of the revision
api-path-kind = Kind of files, as the list names it
api-path-account = Name of the account
api-path-passkey = Id of the passkey
api-path-token = Name of the token
api-path-activation = Id of the activation
api-query-dry_run = Only say what would happen; nothing is done
api-query-activate = Run the draft at once
api-query-message = Why, for the list of revisions
api-query-view = What is read: the own draft where there is one, or what runs
api-query-limit = How many items at most
api-query-cursor = Where to go on: "next" of the answer before
api-query-before = Older than this one
api-query-director = Of this director alone
api-query-kind = Of this kind alone
api-query-severity = At least as severe
api-query-cluster = Of this cluster alone
api-query-actor = Done by this account or token
api-query-action = Of this action alone
api-query-from = The revision to compare with; the one before where absent
api-query-revision = Of this revision
api-query-servers = Whether single real servers are told
api-header-if-match = The ETag that was read. Without it 428, with an old one 412 and who changed it. "*" takes whatever is there.
api-header-may-match = The ETag that was read, to act only on that
api-header-idempotency-key = Any text of your own: the same request with the same key is done once within 24 hours, and answered again
api-header-prefer = "wait=SECONDS" or "respond-async": what is not done by then is answered 202
api-status-200 = Done, or what was asked for
api-status-201 = Made
api-status-202 = It goes on, or a director lacks it; where Location is given it says where to look
api-status-204 = Done
problem-title-429 = Too many requests
problem-stale-by = { $by } has changed it since it was read. Read it again and repeat.
problem-parameter = The address asks for something unknown: { $reason }
problem-too-many = This token asks too often. Wait { $seconds } s.
problem-too-many-streams = This token has { $most } streams open already. Close one of them.
problem-key-reused = This Idempotency-Key came with another request before. Use a new one.
problem-order-refused = { $director } does not do that: { $reason }
problem-key-busy = The request with this Idempotency-Key is still being done.
problem-key-spent = The request with this Idempotency-Key was done. Its answer held a secret, which is shown once and not kept.
api-op-streamCluster = Events and counters as they come, as server-sent events
api-query-since = After the event of that number, in the order of receipt
api-query-wait = Seconds to wait for an event where there is none
api-query-topics = What is told: events, counters; separated by commas
api-title = The API
api-download = The same as an OpenAPI 3.1 document
api-contents = Groups of addresses
api-needs = Needs the role { $role }.
api-open = Needs no token.
api-parameters = Parameters
api-body = Members of the body
api-name = Name
api-kind = Kind
api-meaning = Meaning
api-required = (required)
api-answers = Answers
api-example = Example
api-op-getSupportBundle = Take out what a developer needs to help, without secrets
api-op-search = Find things by name or address
api-op-getSeries = Read what went through, over time
api-query-q = Name or address, or a part of it
api-query-service = Real servers of this virtual server, by id or name
api-query-range = How far back
api-query-since-moment = From this moment (RFC 3339); with "until"
api-query-until = Until this moment (RFC 3339)
## Isolation and witness

label-gateway = Gateway
hint-gateway = A router that both directors reach without another one. A director that hears neither it nor anybody else on its network is cut off itself, and does not take over. Blank: not asked.
label-witness = Ask this console before taking over
hint-witness = A director whose partner is silent asks whether the console hears the partner say that it is active, and waits while it does. A console on one of the cluster's directors is not asked.
beats-evidence = What it found out
beats-hook = Program
hook-active-running = The program for the active director is running.
hook-inactive-running = The program for a director that is not active any more is running.
sign-network-heard = The gateway, or somebody else on its network, was heard.
sign-network-silent = Neither the gateway nor anybody else on its network was heard.
sign-network-unknown = Whether the gateway answers could not be found out.
sign-witness-active = The console has just heard the partner say that it is active.
sign-witness-passive = The console has just heard the partner say that it is not active.
sign-witness-silent = The console did not answer, or does not hear the partner either.
sign-address-held = The partner's machine answered for the virtual addresses.
sign-address-free = Nobody answered for the virtual addresses.
beats-dropped = Packets that were not followed
dropped-length = { $count } of another length than a beat: truncated, or something else
dropped-magic = { $count } that are no beats
dropped-version = { $count } of another version
dropped-key = { $count } made with a key that is not known here
dropped-tag = { $count } forged, or changed on the way: the tag does not fit
dropped-field = { $count } with a field out of range
dropped-replayed = { $count } replayed or too old
dropped-stranger = { $count } from a director that is not the partner
dropped-reflected = { $count } of this director's own, come back
dropped-other = { $count } that do not fit the protocol
key-title = Key of the heartbeat
key-lead = The directors authenticate their beats with a key that this console made. A new one is accepted by both before either sends with it, so nothing is interrupted.
key-change = Change the key
key-waits = { $director } does not accept the new key yet, so the old one is sent: { $reason } Press again when it can be reached.
key-not-enrolled = it has not joined.
done-key-changed = The heartbeat's key is changed.
## Real servers: orders that end, certificates that end

event-order-came-drained = { $server } of { $service } is drained: no connection is left, it is safe to stop.
event-order-came-overdue = { $server } of { $service } should be empty by now; { $left ->
        [one] one connection is
       *[other] { $left } connections are
    } left and waited for.
event-order-came-cut = { $server } of { $service } was not empty in time: what was left was cut off.
event-order-came-ended = The order for { $server } of { $service } has ended: it is enabled again.
problem-server-certificate = The certificate of real server { $name } of { $service } ends { $at }.
problem-checks = Director { $name } cannot check { $count ->
        [one] one real server; its verdict stays as it was.
       *[other] { $count } real servers; their verdicts stay as they were.
    } { $why }
problem-checks-silent = The checks of director { $name } do not go on: what it says of real servers is old.

## Alerts

alerts-title = Alerts
alerts-lead = What is wrong in all clusters, who was told, and what came of it.
alerts-no-rules = No rule tells anybody: what goes wrong is only shown here.
alerts-now = Wrong now
alerts-none = Nothing is wrong in any cluster.
alert-settings-title = Alert rules
alert-settings-lead = Where messages go, and what is told there.
alert-channels = Where to
alert-channels-none = Nobody can be told yet. Add a mail address or a webhook first.
alert-add-email = Add mail
alert-add-webhook = Add a webhook
alert-rules = Rules
alert-rules-none = No rule tells anything yet.
alert-rule-new = Add a rule
alert-rule-title = Rule { $name }
alert-rule-lead = A message holds all that comes at about the same time; what comes and goes quickly is told once.
alert-rule-delete = Delete the rule { $name }
alert-rule-delete-question = Delete the rule { $name }?
alert-rule-delete-consequence = It tells nothing from now on. The delivery log stays.
alert-channel-new = A new channel
alert-channel-title = Channel { $name }
alert-channel-delete = Delete the channel { $name }
alert-channel-delete-question = Delete the channel { $name }?
alert-channel-delete-consequence = What waits is not sent, and its part of the delivery log goes with it.
alert-lead-email = Mail through your own mail server.
alert-lead-webhook = Each message is posted as JSON. Its member "text" is what chats such as Mattermost and Slack show.
alert-way = By
alert-way-email = Mail
alert-way-webhook = Webhook
alert-to = To
alert-rule = Rule
alert-channel = Channel
help-job-alerts = Be told what goes wrong
help-how-alerts = Administration → Alert rules: add mail or a webhook, send a test, then add a rule. Alerts shows what is wrong now in all clusters, lets an operator silence it for a time, and keeps a log of what was sent.
alert-kind = Kind of problem
alert-kinds = Kinds of problems
alert-kind-all = All kinds
alert-kind-several-active = Two directors active
alert-kind-nobody-active = No director active
alert-kind-quorum-lost = Quorum lost
alert-kind-server-down = Real server down
alert-kind-no-data = Director does not answer
alert-kind-checks = Checks do not work
alert-kind-out-of-step = Director out of step
alert-kind-drift = Kernel changed by somebody
alert-kind-server-certificate = Real server's certificate ends
alert-kind-certificate = Director's certificate ends
alert-everywhere = All clusters
alert-active = Active
alert-inactive = Off
alert-language = Language of the messages
alert-no-secret = Remove the password or key
alert-test = Test
alert-test-lead = A message goes out at once, with what is saved.
alert-test-send = Send a test
alert-test-sent = The test was taken. Look whether it arrived.
alert-test-failed = The test did not arrive: { $reason }
alert-silence = Silence
alert-silences = Silences
alert-silences-none = Nothing is silenced.
alert-silence-new = Silence something
alert-silence-lead = Nobody is told of what is silenced; it is still shown. What lasts when the silence ends is told then.
alert-silence-end = End it
alert-silence-one = One problem in { $cluster }: { $kind }
alert-silence-many = { $cluster }: { $kind }
alert-silenced-until = Silenced until { $at }
alert-begins = from { $at }
alert-for = For
alert-problem = One problem
hint-alert-problem = Filled in by "Silence" beside a problem. Blank: all of that kind.
alert-hours = { $count ->
        [one] 1 hour
       *[other] { $count } hours
    }
alert-minutes = { $count ->
        [one] 1 minute
       *[other] { $count } minutes
    }
alert-seconds = { $count ->
        [one] 1 second
       *[other] { $count } seconds
    }
alert-repeat-never = Never
alert-log = Delivery log
alert-log-none = Nothing was sent yet.
alert-subject = Message
alert-outcome = Outcome
alert-outcome-sent = Sent
alert-outcome-waiting = Waiting
alert-outcome-failed = Given up
alert-again = next attempt { $at }
col-since = Since
col-told = Told
col-reason = Reason
col-by = By
label-mail-server = Mail server
hint-mail-server = Name or address, without port.
label-mail-port = Port
hint-mail-port = 587 with STARTTLS, 465 with TLS, 25 for a relay.
label-mail-security = Protection
mail-security-starttls = STARTTLS, demanded
mail-security-tls = TLS from the beginning
mail-security-none = None (a relay on the same machine)
label-mail-user = User
hint-mail-user = Blank where the server asks nobody.
label-mail-password = Password
hint-alert-secret = Never shown. Blank: stays as it is.
label-mail-from = Sender
hint-mail-from = Such as lb@example.com, or Caribe <lb@example.com>.
label-mail-to = Recipients
hint-mail-to = One on each line.
label-webhook-url = Address
hint-webhook-url = https://…, or http://… within your own network. Redirects are not followed.
label-webhook-secret = Signing key
hint-webhook-secret = With one, messages are signed as Standard Webhooks says (webhook-signature). Never shown; blank: stays as it is.
label-alert-authorities = Certificate authorities
hint-alert-authorities = PEM, for a server with a certificate of your own authority. Blank: the system's alone.
hint-alert-name = What you call it, 1 to 64 characters.
label-alert-after = Told after (s)
hint-alert-after = So long a problem lasts before it is told, and is over before that is told. 0 to 86400.
label-alert-repeat = Remind
hint-alert-repeat = While it lasts.
label-alert-recovery = Tell also when it is over
label-alert-active = Active
hint-alert-kinds = None chosen: all.
alert-wrong-missing = Something is needed here.
alert-wrong-name = A name has 1 to 64 characters on one line.
alert-wrong-taken = This name is taken.
alert-wrong-text = This is too long, or has characters that cannot be in it.
alert-wrong-language = en or zh-CN is expected.
alert-wrong-server = The name or address of a mail server is expected, without port.
alert-wrong-port = A port from 1 to 65535 is expected.
alert-wrong-address = A mail address such as lb@example.com is expected.
alert-wrong-recipients = At most 50 addresses; use a list of your mail server for more.
alert-wrong-url = https://… is expected, or http://… within your own network, without user and password.
alert-wrong-authorities = Certificates in PEM are expected (-----BEGIN CERTIFICATE-----).
alert-wrong-secret-without-user = A password needs a user.
alert-wrong-user-without-secret = A user needs a password.
alert-wrong-secret-in-clear = A password is not sent over a connection without protection. Choose STARTTLS or TLS.
alert-wrong-kind = A channel stays what it is. Make another one.
alert-wrong-channel = There is no such channel.
alert-wrong-cluster = There is no such cluster.
alert-wrong-after = 0 to 86400 seconds are expected.
alert-wrong-repeat = 0 for never, or 300 to 604800 seconds are expected.
alert-wrong-ends = A silence ends later than it begins, later than now, and within 90 days.
alert-wrong-problem-without-cluster = One problem is silenced with its cluster.
alert-subject-begun = [{ $cluster }] { $count ->
        [one] 1 problem
       *[other] { $count } problems
    }: { $first }
alert-subject-lasting = [{ $cluster }] { $count ->
        [one] 1 problem lasts
       *[other] { $count } problems last
    }: { $first }
alert-subject-over = [{ $cluster }] Over: { $first }
alert-begun = New:
alert-lasting = Still:
alert-over = Over:
alert-line = { $sentence } (since { $since })
alert-silence-at = Silence it: { $url }
alert-why = You get this because of the rule { $rule }.
alert-test-subject = Caribe: a test
alert-test-body = This is a test of the channel { $channel }. The way is open.
missing-alert-channel = There is no channel { $name }.
missing-alert-rule = There is no rule { $name }.
missing-silence = There is no silence { $name }.
done-silenced = Silenced.
done-silence-ended = The silence has ended.
done-channel-saved = The channel is saved.
done-channel-deleted = The channel is deleted.
done-rule-saved = The rule is saved.
done-rule-deleted = The rule is deleted.
api-group-alerts = Alerts
api-op-listAlerts = List what is wrong in all clusters, and who was told
api-op-listAlertChannels = List channels, without their secrets
api-op-createAlertChannel = Make a channel: mail or a webhook
api-op-getAlertChannel = Read a channel, without its secret
api-op-replaceAlertChannel = Replace a channel; without "secret" its secret stays
api-op-deleteAlertChannel = Delete a channel that no rule uses
api-op-testAlertChannel = Send a test message at once; the answer says what came of it
api-op-listAlertRules = List rules
api-op-createAlertRule = Make a rule
api-op-getAlertRule = Read a rule
api-op-replaceAlertRule = Replace a rule
api-op-deleteAlertRule = Delete a rule
api-op-listAlertSilences = List silences that have not ended
api-op-createAlertSilence = Silence problems for a time
api-op-deleteAlertSilence = End a silence
api-op-listAlertMessages = Read the delivery log, the newest first
api-path-channel = Id or name of the channel
api-path-rule = Id or name of the rule
api-path-silence = Id of the silence
# The second factor: its page, the login's second step, what administrators do.
second-factor = Second factor
second-factor-on = On
second-factor-none = None
second-factor-lead = A code of an authenticator app on your phone, besides the password. Whoever learns the password alone does not get in.
second-factor-demanded = An administrator demands a second factor of your role. Set it up; until then nothing else can be done here.
second-factor-change = Change the second factor
second-factor-begin = Set up a second factor
second-factor-since = On since { $at }.
second-factor-how = You need an app that makes codes of six digits (TOTP); any will do. Give your password to begin.
second-factor-end = Switch it off
second-factor-new = Set up a second factor
second-factor-new-lead = Let the app read the picture, then type the code that it shows. This page is shown once and is good for ten minutes.
second-factor-read = 1. Into the app
second-factor-picture = QR code for an authenticator app
second-factor-typed = Or type this key into the app: time-based, six digits, 30 seconds.
second-factor-confirm = 2. A first code
second-factor-switch-on = Switch it on
label-second-factor-code = Code
hint-second-factor-code = Six digits of the app, or a recovery code.
hint-recovery-code = One of your recovery codes.
hint-second-factor-first = Six digits, as the app shows them now. Your other sessions end.
recovery-codes = Recovery codes
recovery-lead = { $count ->
    [one] One code, for when the phone is not there. It is good once.
   *[other] { $count } codes, for when the phone is not there. Each is good once.
    } Keep them apart from it; they are not shown again.
recovery-left = { $count ->
    [0] No recovery code is left.
    [one] One recovery code is left.
   *[other] { $count } recovery codes are left.
    }
recovery-make = Make other recovery codes
recovery-with-password = Other recovery codes need the password alone while there is no app.
recovery-kept = I have kept them
second-factor-own = Your own is changed on the page of your account.
second-factor-remove-lead = Where a phone is lost and the recovery codes as well: taking the second factor away ends all sessions of the account, and its password alone is asked for.
second-factor-remove = Take it away
label-second-factor-required = Demanded of
second-factor-of-nobody = Nobody
second-factor-from = From the role { $role } on
hint-second-factor-required = Whoever has none sets one up at the next click, and can do nothing else before. API tokens are not concerned.
login-code-title = A code, please
login-passkey-title = A passkey, please
login-use-passkey = Use a passkey
login-code-lead = The password was right. Your account has a second factor.
login-code-lost = No phone and no recovery code? An administrator takes the second factor away.
login-as-other = Sign in anew
wrong-second-factor = The code is wrong, too old, or was used. A new one comes every 30 seconds; the phone's clock must be right.
wrong-second-factor-stopped = Codes of the app are not taken any more. Use a recovery code, or ask an administrator to take the second factor away.
wrong-second-factor-over = This took longer than ten minutes, or was begun anew. Give your password once more.
wrong-login-over = The second step took longer than five minutes, or the account was changed. Sign in anew.
done-second-factor-off = The second factor is off; your other sessions have ended.
done-second-factor-removed = The account has no second factor.
done-recovery-used = You have signed in with a recovery code; it is used up.
done-second-factor-on = The app is set up; your recovery codes are as they were.
done-passkey-added = The passkey is kept; your other sessions have ended.
done-passkey-removed = The passkey is removed; your other sessions have ended.
passkeys = Passkeys
passkeys-lead = A passkey in this computer, in a phone or in a security key takes the place of a code, or of password and code. It works on this console's own pages alone.
passkeys-count = { $count ->
    [one] You have one passkey.
   *[other] You have { $count } passkeys.
    }
passkeys-yours = Your passkeys
passkey-for = For { $host }
passkey-add = Add a passkey
passkey-add-lead = Your browser asks where to keep it, and for a finger, a face or a PIN. It will be for { $host }: under another name the console cannot use it. Your other sessions end.
passkey-remove = Remove
passkey = Passkey
passkey-title = Remove { $name }?
passkey-remove-question = Remove the passkey { $name } of { $account }?
passkey-remove-consequence = Nobody signs in with it any more, and all sessions of this account end. Without any second factor the password alone is asked for.
passkey-remove-lead = Nobody signs in with it any more, and your other sessions end. Remove it from the device as well. Without any second factor the password alone is asked for.
passkey-suspect = The counter went back at { $at }
passkey-suspect-long = At { $at } its counter went back, as if there were a copy of it; that sign-in was refused. Remove it and make another, unless you know the cause.
passkey-needs-script = Passkeys need a browser that knows them, and its scripts.
passkey-by-name = Passkeys do not work while the console is opened by an address: open it by its name, { $name }.
passkey-by-address = Passkeys do not work while the console is opened by an address: give it a host name (--name), and open it by that.
passkey-unknown-name = This console does not know itself as { $host }: open it as { $name }, or add the name to serve.names.
passkey-foreign = This form was not sent by a page of this console under its present name. Open the page anew.
passkey-failed = The browser could not use a passkey. Try once more, or sign in with password and code.
passkey-given-up = Nothing was chosen, or too late.
passkey-there = There is a passkey of this account on that device already.
label-passkey-name = Name
hint-passkey-name = To tell it from others, such as “laptop” or “blue key”.
wrong-passkey = This passkey was not accepted. It may have been removed, or belong to another account or another name of the console.
wrong-passkey-copied = This passkey's counter went back, as if there were a copy of it. It was refused; sign in another way, and remove it if you do not know the cause.
wrong-passkey-over = This took longer than five minutes, or was answered already. Begin once more.
wrong-passkey-name = A passkey's name has 1 to 60 characters.
wrong-passkey-taken = Another of your passkeys has that name.
wrong-passkey-full = You have { $most } passkeys; remove one first.

# Approval
bar-asking-draft = { $name } asks for activation
done-asked = Your draft waits for somebody else to activate it.
done-withdrawn = Your draft is no longer to be activated by somebody else.
group-approval = Four eyes
label-four-eyes = Nobody activates a draft of their own
hint-four-eyes = Whoever changes something asks, and somebody else with the role approver looks at it and activates it. A token counts as its owner. Switching this off again needs two persons as well; undoing a revision on trial needs one.
revision-by-two = { $author }, activated by { $approver }
approval-title = Draft by { $name }
approval-from = What { $name } has changed since revision { $base }.
approval-others = Drafts of others
approval-changed = changed { $at }
approval-asks = { $name } asks somebody else to activate it.
approval-asks-since = { $name } asks somebody else to activate it, since { $at }.
approval-asked = You ask somebody else to activate this draft, since { $at }. A further change takes that back.
approval-reason = Reason: { $message }
approval-withdraw = Take that back
approval-ask = Ask somebody else to activate it
approval-activate = Activate the draft of { $name }
approval-four-eyes = Nobody activates a draft of their own in this cluster: somebody else with the role approver does.
approval-changed-since = The draft was changed after you had looked at it. This is what it says now; nothing was activated.
approval-conflict = Revision { $number } was activated after { $name } began this draft. { $name } has to take that in first.
problem-four-eyes = Nobody activates a draft of their own in this cluster. The draft is kept: ask for its activation, and somebody else with the role approver can do it.

# Single sign-on.
sign-on-title = Single sign-on
sign-on-lead = People sign in through your identity provider (OpenID Connect), beside accounts with a password. Its groups say what they may do.
sign-on-provider = Provider
sign-on-on = On
sign-on-off = Off
sign-on-change = Set up single sign-on
label-sign-on-enabled = People may sign in through the provider
hint-sign-on-enabled = Accounts with a password always work as well, also when the provider is down. Keep one for an administrator.
label-sign-on-issuer = Issuer
hint-sign-on-issuer = The provider's name for itself, as its discovery document says it: https://id.example.com/realms/ops
label-sign-on-client = Client id
hint-sign-on-client = The provider's name for this console.
label-sign-on-secret = Client secret
hint-sign-on-secret = Is kept sealed and never shown. Leave it empty to keep what is there, or where the provider gives none.
sign-on-has-secret = A secret is kept.
sign-on-no-secret = Remove the secret
label-sign-on-scopes = Scopes
hint-sign-on-scopes = Words with blanks between them; openid is one of them.
label-sign-on-name = Words on the button
hint-sign-on-name = What stands on the login page, such as the provider's name. Empty: “Single sign-on”.
label-sign-on-address = Address of this console
hint-sign-on-address = How browsers reach it: https://NAME:PORT. Empty: the console's first name and the port it listens on. The provider sends people back there.
label-sign-on-name-claim = Claim that names the account
hint-sign-on-name-claim = Empty: preferred_username, or else email.
label-sign-on-groups-claim = Claim with the groups
hint-sign-on-groups-claim = Dots lead into objects: realm_access.roles
label-sign-on-groups = Groups and roles
hint-sign-on-groups = One a line: GROUP = ROLE, where a role is viewer, operator, editor, approver or admin. Whoever is in several gets the highest, at each sign-in anew.
label-sign-on-others = Whoever is in none of them
sign-on-others-refused = Is refused
hint-sign-on-others = With a role here, everybody whom the provider knows can sign in.
label-sign-on-second-factor = This console's second factor counts for them, too
hint-sign-on-second-factor = Otherwise it is the provider's business to ask for more than a password.
sign-on-redirect = For the provider
sign-on-redirect-lead = Enter this address there as the one that people are sent back to (redirect URI).
sign-on-redirect-none = This console was given no name. Say above how browsers reach it.
sign-on-try = Try it
sign-on-try-lead = Fetches what the provider says of itself, and its keys, with what is saved. Nobody is signed in.
sign-on-tried-good = The provider answers, and its keys can be used.
sign-on-tried-bad = It does not work: { $reason }
sign-on-wrong-line = Each line is GROUP = ROLE; roles are viewer, operator, editor, approver and admin.
sign-on-wrong-missing = Something is needed here.
sign-on-wrong-text = This is too long, or has characters that cannot be in it.
sign-on-wrong-issuer = https://… is expected, without user, password, ? and #.
sign-on-wrong-scopes = Words with blanks between them are expected, openid among them.
sign-on-wrong-authorities = Certificates in PEM are expected (-----BEGIN CERTIFICATE-----).
sign-on-wrong-groups = Each group is named once, with a role; at most 200.
sign-on-wrong-nobody = Nobody could sign in: give a group a role, or a role to whoever is in none.
sign-on-wrong-address = https://NAME or https://NAME:PORT is expected.
sign-on-wrong-nameless = This console was given no name: say here how browsers reach it.
sign-on-button = Single sign-on
sign-on-done = Signed in
sign-on-go-on = Go on
wrong-sign-on-off = Single sign-on is switched off. Sign in with your password.
wrong-sign-on-unreachable = The identity provider does not answer as it should. Try again later, or sign in with an account that has a password.
wrong-sign-on-over = This sign-in was not begun in this browser, is finished already, or took longer than ten minutes. Begin again.
wrong-sign-on-refused = Signing in through the identity provider was refused. An administrator finds the reason in the audit log.
wrong-sign-in-again = Sign in through the provider once more first. That counts for ten minutes, from the address it was done from.
sign-in-again = Sign in once more
sign-in-again-lead = Your account has no password here. In its place, show the provider once more who you are.
sign-in-again-done = You have shown the provider who you are within the last ten minutes; no password is needed.
account-of-provider = single sign-on
account-provider-lead = The account signs in through { $issuer } and has no password here. Its role is what its groups there say, at each sign-in anew.
me-provider-lead = You sign in through { $issuer }; your password is changed there.
help-job-single-sign-on = Sign in through your identity provider
help-how-single-sign-on = Settings → Single sign-on: issuer, client id and secret, and which group may do what. Enter the address that the page shows at the provider, try it, then switch it on. Accounts with a password go on working.
help-term-single-sign-on = Single sign-on
help-means-single-sign-on = An identity provider (OpenID Connect) says who somebody is and in which groups; the groups say what they may do here.
api-op-getSingleSignOn = How people sign in through a provider
api-op-replaceSingleSignOn = Set how people sign in through a provider
api-op-testSingleSignOn = Ask the provider what it says of itself
