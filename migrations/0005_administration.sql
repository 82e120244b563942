-- Revisions on trial, four-eyes rule, tokens for one cluster, links that set a password, the console's own settings.

-- A revision that is undone unless somebody keeps it.
create table provisional (
    cluster text not null,
    revision integer not null,
    began integer not null,
    until integer not null,
    -- Absent while it is open.
    outcome text,
    ended integer,
    constraint provisional_primary primary key (cluster, revision),
    constraint provisional_revision_exists foreign key (cluster, revision) references revision (cluster, number) on delete cascade,
    constraint provisional_outcome_known check (outcome in ('kept', 'undone')),
    constraint provisional_until_later check (until > began)
) strict;

-- Whoever drafts does not activate.
alter table cluster add column four_eyes integer not null default 0;
-- Who activated it, where that is somebody else than who made it.
alter table revision add column approver text;
-- The only cluster a token reaches.
alter table api_token add column cluster text references cluster (id) on delete cascade;

create table password_link (
    hash text not null,
    account text not null collate nocase,
    issued integer not null,
    expires integer not null,
    constraint password_link_primary primary key (hash),
    constraint password_link_account_exists foreign key (account) references account (name) on delete cascade,
    constraint password_link_hash_sha256 check (length(hash) = 64),
    constraint password_link_expires_later check (expires > issued)
) strict;

create index password_link_by_account on password_link (account);

create table setting (
    name text not null,
    value text not null,
    constraint setting_primary primary key (name)
) strict;
