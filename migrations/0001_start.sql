-- The console's memory as of the first release. Times are seconds since 1970 (UTC).

create table installation (
    one integer not null,
    id text not null,
    created integer not null,
    constraint installation_primary primary key (one),
    constraint installation_single check (one = 1),
    constraint installation_id_length check (length(id) between 8 and 64)
) strict;

create table cluster (
    id text not null,
    name text not null,
    created integer not null,
    constraint cluster_primary primary key (id),
    constraint cluster_name_unique unique (name),
    constraint cluster_name_length check (length(name) between 1 and 64)
) strict;

-- Immutable; the one with the highest number is the running one.
create table revision (
    cluster text not null,
    number integer not null,
    parent integer,
    digest text not null,
    author text not null,
    message text not null,
    content text not null,
    created integer not null,
    constraint revision_primary primary key (cluster, number),
    constraint revision_cluster_exists foreign key (cluster) references cluster (id) on delete cascade,
    constraint revision_parent_exists foreign key (cluster, parent) references revision (cluster, number) deferrable initially deferred,
    constraint revision_number_positive check (number >= 1),
    constraint revision_parent_older check (parent < number),
    constraint revision_digest_sha256 check (length(digest) = 64),
    constraint revision_message_length check (length(message) <= 2000),
    constraint revision_content_json check (json_valid(content))
) strict;

create trigger revision_immutable before update on revision
begin
    select raise(abort, 'CHECK constraint failed: revision_immutable');
end;

-- One per person and cluster.
create table draft (
    cluster text not null,
    owner text not null,
    base integer,
    content text not null,
    changed integer not null,
    constraint draft_primary primary key (cluster, owner),
    constraint draft_cluster_exists foreign key (cluster) references cluster (id) on delete cascade,
    constraint draft_base_exists foreign key (cluster, base) references revision (cluster, number),
    constraint draft_content_json check (json_valid(content))
) strict;

create table director (
    id text not null,
    cluster text not null,
    name text not null,
    dial text,
    created integer not null,
    constraint director_primary primary key (id),
    constraint director_name_unique unique (cluster, name),
    constraint director_cluster_exists foreign key (cluster) references cluster (id) on delete cascade,
    constraint director_name_length check (length(name) between 1 and 64),
    constraint director_dial_length check (length(dial) between 1 and 300)
) strict;

create table certificate (
    serial text not null,
    director text not null,
    issued integer not null,
    ends integer not null,
    revoked integer,
    constraint certificate_primary primary key (serial),
    constraint certificate_director_exists foreign key (director) references director (id) on delete cascade,
    constraint certificate_ends_later check (ends > issued)
) strict;

create index certificate_by_director on certificate (director);

create table join_token (
    hash text not null,
    director text not null,
    issued integer not null,
    expires integer not null,
    used integer,
    constraint join_token_primary primary key (hash),
    constraint join_token_director_exists foreign key (director) references director (id) on delete cascade,
    constraint join_token_expires_later check (expires > issued)
) strict;

create index join_token_by_director on join_token (director);

-- The last result of pushing each revision to each director.
create table push_result (
    director text not null,
    revision integer not null,
    outcome text not null,
    detail text not null,
    at integer not null,
    constraint push_result_primary primary key (director, revision),
    constraint push_result_director_exists foreign key (director) references director (id) on delete cascade,
    constraint push_result_outcome_known check (outcome in ('applied', 'partial', 'refused', 'unreachable', 'held'))
) strict;

create table account (
    name text not null collate nocase,
    password text not null,
    role text not null,
    language text,
    disabled integer not null default 0,
    created integer not null,
    constraint account_name_unique primary key (name),
    constraint account_name_length check (length(name) between 1 and 64),
    constraint account_password_argon2id check (password like '$argon2id$%'),
    constraint account_role_known check (role in ('viewer', 'operator', 'editor', 'approver', 'admin')),
    constraint account_disabled_flag check (disabled in (0, 1)),
    constraint account_language_length check (length(language) between 2 and 16)
) strict;

create table session (
    hash text not null,
    account text not null collate nocase,
    source text not null,
    created integer not null,
    seen integer not null,
    expires integer not null,
    constraint session_primary primary key (hash),
    constraint session_account_exists foreign key (account) references account (name) on delete cascade,
    constraint session_hash_sha256 check (length(hash) = 64),
    constraint session_expires_later check (expires > created)
) strict;

create index session_by_account on session (account);

create table api_token (
    name text not null,
    prefix text not null,
    hash text not null,
    owner text collate nocase,
    role text not null,
    created integer not null,
    expires integer not null,
    last_used integer,
    constraint api_token_name_unique primary key (name),
    constraint api_token_prefix_unique unique (prefix),
    constraint api_token_owner_exists foreign key (owner) references account (name) on delete cascade,
    constraint api_token_name_length check (length(name) between 1 and 64),
    constraint api_token_hash_sha256 check (length(hash) = 64),
    constraint api_token_role_known check (role in ('viewer', 'operator', 'editor', 'approver', 'admin')),
    constraint api_token_expires_later check (expires > created)
) strict;

-- Each row's hash covers the row and the hash before it.
create table audit (
    number integer not null,
    at integer not null,
    actor text not null,
    source text not null,
    action text not null,
    subject text not null,
    cluster text,
    before text,
    after text,
    detail text not null,
    hash text not null,
    constraint audit_primary primary key (number),
    constraint audit_hash_sha256 check (length(hash) = 64)
) strict;

create index audit_by_cluster on audit (cluster, number);

create trigger audit_append_only_update before update on audit
begin
    select raise(abort, 'CHECK constraint failed: audit_append_only');
end;

create trigger audit_append_only_delete before delete on audit
begin
    select raise(abort, 'CHECK constraint failed: audit_append_only');
end;
