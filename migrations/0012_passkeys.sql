-- Passkeys (WebAuthn), and recovery codes of accounts that have passkeys and no app: they belong to the account now.

create table passkey (
    id text not null,
    account text not null collate nocase,
    -- What its person calls it.
    name text not null,
    -- The host name of the console that it was made under; a browser offers it under no other.
    host text not null,
    -- What its authenticator calls it.
    credential blob not null,
    -- What stands for the account there: random, and the same for all of an account's that were made one after the other.
    handle blob not null,
    -- Its public key, and what about it changes: the counter of its signatures, and whether it is backed up.
    fixed blob not null,
    state blob not null,
    made integer not null,
    used integer,
    -- When its counter was last found to have gone back, as that of a copy does.
    suspect integer,
    constraint passkey_primary primary key (id),
    constraint passkey_credential_once unique (credential),
    constraint passkey_name_once unique (account, name),
    constraint passkey_account_exists foreign key (account) references account (name) on delete cascade,
    constraint passkey_handle_length check (length(handle) = 64),
    constraint passkey_state_length check (length(state) = 7)
) strict;

create table recovery_code_of_account (
    account text not null collate nocase,
    hash text not null,
    constraint recovery_code_primary primary key (account, hash),
    constraint recovery_code_account_exists foreign key (account) references account (name) on delete cascade,
    constraint recovery_code_hash_sha256 check (length(hash) = 64)
) strict;

insert into recovery_code_of_account (account, hash) select account, hash from recovery_code;

drop table recovery_code;

alter table recovery_code_of_account rename to recovery_code;
