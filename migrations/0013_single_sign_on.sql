-- Sign-in through a provider (OpenID Connect): what is set about it, and which accounts come from it.

create table sign_on (
    one integer not null,
    content text not null,
    -- The client's secret: a nonce and the text, encrypted with a key that is not in this file.
    secret blob,
    constraint sign_on_primary primary key (one),
    constraint sign_on_single check (one = 1),
    constraint sign_on_content_json check (json_valid(content))
) strict;

-- Who an account is at the provider. One without a row here has a password.
create table identity (
    account text not null collate nocase,
    issuer text not null,
    subject text not null,
    -- When, and from which address, its person last showed the provider who they are.
    proved integer,
    proved_from text,
    constraint identity_primary primary key (account),
    constraint identity_once unique (issuer, subject),
    constraint identity_account_exists foreign key (account) references account (name) on delete cascade,
    constraint identity_proved_whole check ((proved is null) = (proved_from is null))
) strict;
