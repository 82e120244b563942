-- Second factors: what a person's device and the console share, recovery codes, and who has shown a password and no code yet.

create table second_factor (
    account text not null collate nocase,
    -- A nonce and the secret, encrypted with a key that is not in this file.
    sealed blob not null,
    made integer not null,
    -- When a first code confirmed it; absent until then.
    confirmed integer,
    -- The last step of time whose code was taken; none is taken twice.
    step integer not null default 0,
    -- Wrong codes since the last right one.
    failures integer not null default 0,
    constraint second_factor_primary primary key (account),
    constraint second_factor_account_exists foreign key (account) references account (name) on delete cascade,
    -- 24 bytes of nonce, 20 of secret, 16 of tag.
    constraint second_factor_sealed_length check (length(sealed) = 60),
    constraint second_factor_failures_counted check (failures >= 0)
) strict;

-- Those that are left; one that was used is gone.
create table recovery_code (
    account text not null collate nocase,
    hash text not null,
    constraint recovery_code_primary primary key (account, hash),
    constraint recovery_code_factor_exists foreign key (account) references second_factor (account) on delete cascade,
    constraint recovery_code_hash_sha256 check (length(hash) = 64)
) strict;

create table half_login (
    hash text not null,
    account text not null collate nocase,
    expires integer not null,
    constraint half_login_primary primary key (hash),
    constraint half_login_account_exists foreign key (account) references account (name) on delete cascade,
    constraint half_login_hash_sha256 check (length(hash) = 64)
) strict;

create index half_login_by_account on half_login (account);
