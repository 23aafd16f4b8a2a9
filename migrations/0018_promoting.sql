-- Nightly judgements of model versions, the ledger of promotions, the evidence between lines, and what a training was checked against.

create table promotion_judgement (
    id                  bigint generated always as identity primary key,
    model_line_id       bigint not null references model_line,
    model_version_id    bigint not null references model_version,
    champion_version_id bigint not null references model_version,
    decision            text not null check (decision in ('promoted', 'kept', 'refused')),
    sentence            text not null,
    conditions          jsonb not null,
    rows_from           timestamptz,
    rows_to             timestamptz,
    judged_rows         bigint not null check (judged_rows >= 0),
    customers           bigint not null check (customers >= 0),
    stages              jsonb not null,
    champion_log_loss   double precision,
    version_log_loss    double precision,
    margin              double precision,
    difference          double precision,
    difference_lower    double precision,
    difference_upper    double precision,
    p_value             double precision,
    alpha               double precision not null check (alpha >= 0),
    alpha_spent         double precision not null check (alpha_spent >= 0),
    run_id              bigint references job_run,
    judged_at           timestamptz not null
);
create index on promotion_judgement (model_line_id, id);
create index on promotion_judgement (model_version_id);
comment on table promotion_judgement is 'append-only: what was seen when a version was judged, and what was decided';
comment on column promotion_judgement.decision is 'refused: the version cannot be used at all; kept: the champion stays';
comment on column promotion_judgement.conditions is '[{"condition": …, "holds": true | false | null where it was not looked at, "sentence": …}]';
comment on column promotion_judgement.stages is '[{"name", "positives", "championLogLoss", "versionLogLoss", "calibration"}] on the judged rows';
comment on column promotion_judgement.difference is 'joint log loss of the version less the champion''s, in nats a row; the interval has alpha on either side';
comment on column promotion_judgement.alpha is 'spent by this judgement; 0 where nothing was compared';
comment on column promotion_judgement.alpha_spent is 'by all of the line''s judgements of the last nights, this one included';

alter table promotion
    add column judgement_id       bigint references promotion_judgement,
    add column rolled_back_id     bigint references model_version;
comment on table promotion is 'append-only: the newest promotion of a line rules';
comment on column promotion.judgement_id is 'the nightly judgement behind it; null: a training, or a person';
comment on column promotion.rolled_back_id is 'the version that this promotion took out; null: no roll-back. It is never promoted again by night';

create table line_comparison (
    id                   bigint generated always as identity primary key,
    model_line_id        bigint not null references model_line,
    incumbent_line_id    bigint not null references model_line check (incumbent_line_id <> model_line_id),
    model_version_id     bigint not null references model_version,
    incumbent_version_id bigint not null references model_version,
    rows_from            timestamptz not null,
    rows_to              timestamptz not null,
    night                jsonb not null,
    total                jsonb not null,
    ready                boolean not null,
    sentence             text not null,
    run_id               bigint references job_run,
    compared_at          timestamptz not null,
    check (rows_from < rows_to)
);
create index on line_comparison (model_line_id, incumbent_line_id, id);
comment on table line_comparison is 'append-only: each night''s new rows of nobody''s choice, predicted by the champions of two lines; no row counts twice';
comment on column line_comparison.night is '{"rows", "customers", "positives" of the last stage, "difference", "differenceSquares", "cross", "rowSquares"}: sums over customers';
comment on column line_comparison.total is 'the same over all nights so far';

create table training_check (
    model_version_id bigint primary key references model_version,
    figures          jsonb not null,
    warnings         text[] not null,
    accepted         text[] not null,
    checked_at       timestamptz not null
);
comment on table training_check is 'append-only: what a version''s newest rows looked like; the next training of the line is checked against it';
comment on column training_check.accepted is 'changes of the rows that would have stopped the training, had a person not accepted them; then figures are those of the rows since the version before';
