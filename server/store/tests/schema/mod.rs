//! Statements that break each named constraint of the schema. Read by the test that looks for constraints nobody provokes.

/// Statements that break what is left, straight in SQL: each must be refused by the constraint of that name.
pub(crate) const BREAKING: &[(&str, &str)] = &[
    ("installation_primary", "insert into installation values (1, 'installation-2', 1)"),
    ("installation_single", "insert into installation values (2, 'installation-2', 1)"),
    ("installation_id_length", "update installation set id = 'short'"),
    ("revision_digest_sha256", "insert into revision values ('cl_1', 3, 2, 'ab', 'a', '', '{}', 1, null)"),
    (
        "revision_message_length",
        "insert into revision values ('cl_1', 3, 2, hex(randomblob(32)), 'a', hex(randomblob(1001)), '{}', 1, null)",
    ),
    (
        "revision_content_json",
        "insert into revision values ('cl_1', 3, 2, hex(randomblob(32)), 'a', '', '{', 1, null)",
    ),
    ("revision_immutable", "update revision set content = '{}'"),
    ("draft_primary", "insert into draft values ('cl_1', 'account/alice', null, '{}', 1, null, null)"),
    ("draft_content_json", "update draft set content = '{'"),
    ("draft_asked_whole", "update draft set asked = 1"),
    ("draft_asked_message_length", "update draft set asked = 1, asked_message = hex(randomblob(251))"),
    ("director_name_length", "update director set name = ''"),
    ("director_dial_length", "update director set dial = ''"),
    ("certificate_primary", "insert into certificate values ('01', 'dir_1', 1, 2, null)"),
    ("certificate_ends_later", "update certificate set ends = issued"),
    ("join_token_primary", "insert into join_token values ('t1', 'dir_1', 1, 2, null)"),
    ("join_token_expires_later", "update join_token set expires = issued"),
    ("push_result_primary", "insert into push_result values ('dir_1', 2, 'applied', '', 1)"),
    ("account_name_length", "insert into account values ('', '$argon2id$x', 'admin', null, 0, 1)"),
    ("account_disabled_flag", "update account set disabled = 2"),
    ("account_language_length", "update account set language = 'e'"),
    ("session_expires_later", "update session set expires = created"),
    ("api_token_name_length", "update api_token set name = ''"),
    ("api_token_hash_sha256", "update api_token set hash = ''"),
    ("api_token_role_known", "update api_token set role = 'god'"),
    ("api_token_expires_later", "update api_token set expires = created"),
    (
        "audit_primary",
        "insert into audit values (1, 1, '', '', '', '', null, null, null, '', hex(randomblob(32)))",
    ),
    ("audit_hash_sha256", "insert into audit values (2, 1, '', '', '', '', null, null, null, '', '')"),
    ("server_orders_primary", "insert into server_orders values ('cl_1', 1, 1, '{}'), ('cl_1', 2, 1, '{}')"),
    ("server_orders_serial_positive", "insert into server_orders values ('cl_1', 0, 1, '{}')"),
    ("server_orders_content_json", "insert into server_orders values ('cl_1', 1, 1, '{')"),
    (
        "repeated_request_primary",
        "insert into repeated_request (caller, key, digest, begun)
         values ('token/a', 'k', hex(randomblob(32)), 1), ('token/a', 'k', hex(randomblob(32)), 1)",
    ),
    (
        "repeated_request_digest_sha256",
        "insert into repeated_request (caller, key, digest, begun) values ('token/a', 'k', 'ab', 1)",
    ),
    (
        "repeated_request_headers_json",
        "insert into repeated_request values ('token/a', 'k', hex(randomblob(32)), 1, 200, 'no', null)",
    ),
    (
        "repeated_request_answered",
        "insert into repeated_request values ('token/a', 'k', hex(randomblob(32)), 1, 200, null, null)",
    ),
    ("heartbeat_key_number_range", "insert into heartbeat_key values ('cl_1', 0, hex(randomblob(32)), 1, 1)"),
    ("heartbeat_key_secret_hex", "insert into heartbeat_key values ('cl_1', 2, 'ab', 1, 1)"),
    (
        "event_primary",
        "insert into event values (1, 'cl_1', null, null, null, 1, 1, 'x', 'info', '{}'),
         (1, 'cl_1', null, null, null, 1, 1, 'x', 'info', '{}')",
    ),
    (
        "event_source_entry",
        "insert into event values (9, 'cl_1', null, 'dir_1', null, 1, 1, 'x', 'info', '{}')",
    ),
    (
        "event_severity_known",
        "insert into event values (9, 'cl_1', null, null, null, 1, 1, 'x', 'dire', '{}')",
    ),
    ("event_content_json", "insert into event values (9, 'cl_1', null, null, null, 1, 1, 'x', 'info', '{')"),
    (
        "provisional_primary",
        "insert into provisional values ('cl_1', 1, 1, 2, null, null), ('cl_1', 1, 1, 2, null, null)",
    ),
    ("provisional_outcome_known", "insert into provisional values ('cl_1', 1, 1, 2, 'lost', 2)"),
    ("provisional_until_later", "insert into provisional values ('cl_1', 1, 2, 2, null, null)"),
    (
        "password_link_primary",
        "insert into password_link select hex(zeroblob(32)), name, 1, 2 from account
         union all select hex(zeroblob(32)), name, 1, 3 from account",
    ),
    ("password_link_hash_sha256", "insert into password_link select 'ab', name, 1, 2 from account"),
    (
        "password_link_expires_later",
        "insert into password_link select hex(randomblob(32)), name, 2, 2 from account",
    ),
    (
        "second_factor_primary",
        "insert into second_factor select name, zeroblob(60), 1, null, 0, 0 from account
         union all select name, zeroblob(60), 2, null, 0, 0 from account",
    ),
    (
        "second_factor_sealed_length",
        "insert into second_factor select name, x'00', 1, null, 0, 0 from account",
    ),
    (
        "second_factor_failures_counted",
        "insert into second_factor select name, zeroblob(60), 1, null, 0, -1 from account",
    ),
    (
        "recovery_code_primary",
        "insert into recovery_code values ('alice', hex(zeroblob(32))), ('Alice', hex(zeroblob(32)))",
    ),
    ("recovery_code_hash_sha256", "insert into recovery_code values ('alice', 'ab')"),
    (
        "half_login_primary",
        "insert into half_login select hex(zeroblob(32)), name, 1 from account
         union all select hex(zeroblob(32)), name, 2 from account",
    ),
    (
        "passkey_primary",
        "insert into passkey values ('a', 'alice', 'x', 'h', x'01', zeroblob(64), x'', zeroblob(7), 1, null, null),
         ('a', 'alice', 'y', 'h', x'02', zeroblob(64), x'', zeroblob(7), 1, null, null)",
    ),
    (
        "passkey_credential_once",
        "insert into passkey values ('a', 'alice', 'x', 'h', x'01', zeroblob(64), x'', zeroblob(7), 1, null, null),
         ('b', 'alice', 'y', 'h', x'01', zeroblob(64), x'', zeroblob(7), 1, null, null)",
    ),
    (
        "passkey_name_once",
        "insert into passkey values ('a', 'alice', 'x', 'h', x'01', zeroblob(64), x'', zeroblob(7), 1, null, null),
         ('b', 'Alice', 'x', 'h', x'02', zeroblob(64), x'', zeroblob(7), 1, null, null)",
    ),
    (
        "passkey_handle_length",
        "insert into passkey values ('a', 'alice', 'x', 'h', x'01', x'00', x'', zeroblob(7), 1, null, null)",
    ),
    (
        "passkey_state_length",
        "insert into passkey values ('a', 'alice', 'x', 'h', x'01', zeroblob(64), x'', x'00', 1, null, null)",
    ),
    ("half_login_hash_sha256", "insert into half_login select 'ab', name, 1 from account"),
    ("series_primary", "insert into series values (1, 'cl_1', 'a', ''), (1, 'cl_1', 'b', '')"),
    ("series_once", "insert into series values (1, 'cl_1', 'a', ''), (2, 'cl_1', 'a', '')"),
    ("series_chunk_primary", "insert into series_chunk values (1, 10, 0, 10, x'00'), (1, 10, 0, 20, x'00')"),
    ("series_chunk_until_later", "insert into series_chunk values (1, 10, 5, 5, x'00')"),
    ("setting_primary", "insert into setting values ('a', '1'), ('a', '2')"),
    ("sign_on_primary", "insert into sign_on values (1, '{}', null), (1, '{}', null)"),
    ("sign_on_single", "insert into sign_on values (2, '{}', null)"),
    ("sign_on_content_json", "insert into sign_on values (1, '{', null)"),
    (
        "identity_primary",
        "insert into identity select name, 'a', 'b', null, null from account
         union all select name, 'a', 'c', null, null from account",
    ),
    (
        "identity_once",
        "insert into identity values ('alice', 'a', 'b', null, null), ('somebody', 'a', 'b', null, null)",
    ),
    ("identity_proved_whole", "insert into identity select name, 'a', 'b', 1, null from account"),
    (
        "alert_channel_primary",
        "insert into alert_channel values ('ch_1', 'a', '{}', null), ('ch_1', 'b', '{}', null)",
    ),
    ("alert_channel_name_length", "insert into alert_channel values ('ch_2', '', '{}', null)"),
    ("alert_channel_content_json", "insert into alert_channel values ('ch_2', 'b', '{', null)"),
    (
        "alert_rule_primary",
        "insert into alert_rule select 'ru_9', 'a' || n, id, null, '{}' from alert_channel, (select 1 as n union select 2)",
    ),
    ("alert_rule_name_length", "insert into alert_rule select 'ru_9', '', id, null, '{}' from alert_channel"),
    (
        "alert_rule_content_json",
        "insert into alert_rule select 'ru_9', 'a', id, null, '{' from alert_channel",
    ),
    (
        "alert_state_primary",
        "insert into alert_state select id, 'cl_1', 'x', '{}' from alert_rule, (select 1 union select 2)",
    ),
    ("alert_state_content_json", "insert into alert_state select id, 'cl_1', 'x', '{' from alert_rule"),
    (
        "alert_silence_primary",
        "insert into alert_silence values ('si_1', null, null, null, '', 'a', 1, 2), ('si_1', null, null, null, '', 'a', 1, 2)",
    ),
    (
        "alert_silence_ends_later",
        "insert into alert_silence values ('si_1', null, null, null, '', 'a', 2, 2)",
    ),
    (
        "alert_message_primary",
        "insert into alert_message select 7, 1, null, id, null, '', '', 'sent', 1, null, null from alert_channel, (select 1 union select 2)",
    ),
    (
        "alert_message_outcome_known",
        "insert into alert_message select 7, 1, null, id, null, '', '', 'lost', 1, null, null from alert_channel",
    ),
    (
        "alert_message_due_waiting",
        "insert into alert_message select 7, 1, null, id, null, '', '', 'waiting', 1, null, null from alert_channel",
    ),
    ("audit_append_only", "update audit set actor = 'nobody'"),
    ("audit_append_only", "delete from audit"),
];

/// Refused by a reference that SQLite does not name.
pub(crate) const DANGLING: &[(&str, &str)] = &[
    (
        "revision_cluster_exists",
        "insert into revision values ('no', 1, null, hex(randomblob(32)), 'a', '', '{}', 1, null)",
    ),
    (
        "revision_parent_exists",
        "insert into revision values ('cl_1', 9, 8, hex(randomblob(32)), 'a', '', '{}', 1, null)",
    ),
    ("alert_rule_channel_exists", "insert into alert_rule values ('ru_9', 'a', 'no', null, '{}')"),
    ("alert_rule_cluster_exists", "update alert_rule set cluster = 'no'"),
    ("alert_state_rule_exists", "insert into alert_state values ('no', 'cl_1', 'x', '{}')"),
    ("alert_state_cluster_exists", "insert into alert_state select id, 'no', 'x', '{}' from alert_rule"),
    (
        "alert_silence_cluster_exists",
        "insert into alert_silence values ('si_1', 'no', null, null, '', 'a', 1, 2)",
    ),
    (
        "alert_message_channel_exists",
        "insert into alert_message values (7, 1, null, 'no', null, '', '', 'sent', 1, null, null)",
    ),
    ("draft_cluster_exists", "insert into draft values ('no', 'x', null, '{}', 1, null, null)"),
    ("draft_base_exists", "update draft set base = 9"),
    ("director_cluster_exists", "update director set cluster = 'no'"),
    ("certificate_director_exists", "update certificate set director = 'no'"),
    ("join_token_director_exists", "update join_token set director = 'no'"),
    ("push_result_director_exists", "update push_result set director = 'no'"),
    ("server_orders_cluster_exists", "insert into server_orders values ('no', 1, 1, '{}')"),
    ("heartbeat_key_cluster_exists", "insert into heartbeat_key values ('no', 1, hex(randomblob(32)), 1, 1)"),
    ("event_cluster_exists", "insert into event values (9, 'no', null, null, null, 1, 1, 'x', 'info', '{}')"),
    ("series_cluster_exists", "insert into series values (1, 'no', '', '')"),
    ("series_chunk_series_exists", "insert into series_chunk values (99, 10, 0, 10, x'00')"),
    ("session_account_exists", "update session set account = 'no'"),
    ("provisional_revision_exists", "insert into provisional values ('cl_1', 99, 1, 2, null, null)"),
    (
        "password_link_account_exists",
        "insert into password_link values (hex(randomblob(32)), 'nobody', 1, 2)",
    ),
    (
        "second_factor_account_exists",
        "insert into second_factor values ('nobody', zeroblob(60), 1, null, 0, 0)",
    ),
    (
        "passkey_account_exists",
        "insert into passkey values ('a', 'nobody', 'x', 'h', x'01', zeroblob(64), x'', zeroblob(7), 1, null, null)",
    ),
    ("recovery_code_account_exists", "insert into recovery_code values ('nobody', hex(randomblob(32)))"),
    ("half_login_account_exists", "insert into half_login values (hex(randomblob(32)), 'nobody', 1)"),
    ("identity_account_exists", "insert into identity values ('nobody', 'a', 'b', null, null)"),
    ("api_token_owner_exists", "update api_token set owner = 'no'"),
];

/// Provoked by the functions, in the test before.
pub(crate) const BY_FUNCTION: &[&str] = &[
    "cluster_primary",
    "cluster_name_unique",
    "cluster_name_length",
    "revision_primary",
    "revision_number_positive",
    "revision_parent_older",
    "director_primary",
    "director_name_unique",
    "account_name_unique",
    "account_password_argon2id",
    "account_role_known",
    "session_primary",
    "session_hash_sha256",
    "api_token_name_unique",
    "api_token_prefix_unique",
    "push_result_outcome_known",
    "heartbeat_key_primary",
    "alert_channel_name_unique",
    "alert_rule_name_unique",
];
