-- Answers that are given again where a request of the API comes again with the same key.

create table repeated_request (
    -- `token/NAME`.
    caller text not null,
    key text not null,
    -- SHA-256 of path, query and body.
    digest text not null,
    begun integer not null,
    -- Absent while it is not answered.
    status integer,
    -- JSON object.
    headers text,
    -- Absent where it held a secret.
    body blob,
    constraint repeated_request_primary primary key (caller, key),
    constraint repeated_request_digest_sha256 check (length(digest) = 64),
    constraint repeated_request_headers_json check (headers is null or json_valid(headers)),
    constraint repeated_request_answered check ((status is null) = (headers is null))
) strict;

create index repeated_request_by_age on repeated_request (begun);
