-- Lists by channel profile: revisions, what lies beside a list, and whom the last gate withheld.

alter table export
    add column withheld bigint not null default 0 check (withheld >= 0),
    add column unlisted bigint not null default 0 check (unlisted >= 0),
    add column revision integer not null default 1 check (revision > 0),
    add column manifest text;
create unique index export_file_name_key on export (file_name);
comment on column export.withheld is 'customers of the wave who may not be contacted; rows + withheld + unlisted is what the wave planned';
comment on column export.unlisted is 'customers of the wave without an identifier that the channel takes';
comment on column export.revision is 'above 1: written anew without customers who were withheld since';
comment on column export.manifest is 'text of the file beside the list, as it was written; null: from before there were any';

create table export_file (
    file_name       text primary key,
    campaign_id     bigint not null,
    wave_date       date not null,
    arm             smallint not null,
    channel         text not null,
    part            text not null check (part in ('manifest', 'add', 'remove', 'replaced')),
    revision        integer not null,
    rows            bigint not null,
    bytes           bigint not null,
    sha256          bytea not null check (length(sha256) = 32),
    written_at      timestamptz not null,
    file_removed_at timestamptz,
    foreign key (campaign_id, wave_date, arm, channel) references export on delete cascade
);
comment on table export_file is 'files beside a list: its manifest, what changed since the last export, and lists that a later revision replaced';
comment on column export_file.file_removed_at is 'when the file was removed; null: it should be there';

create table export_withheld (
    campaign_id  bigint not null references campaign,
    wave_date    date not null,
    arm          smallint not null check (arm in (0, 1)),
    channel      text not null,
    customer     uuid not null,
    reason       text not null,
    removed_with text,
    withheld_at  timestamptz not null,
    primary key (campaign_id, wave_date, arm, channel, customer)
);
comment on table export_withheld is 'append-only: customers of a wave whom the last gate kept off its list, and stays to keep off when it is written again';
comment on column export_withheld.removed_with is 'the file that took a customer back from the channel who had been on the list; null: never was';

-- A wave's lists count once, whatever the number of channels they were written for. Outcomes come as files or over HTTP.
create or replace view campaign_stage as
with newest_run as (
    select distinct on (r.campaign_id, r.kind) r.campaign_id, r.kind, r.id, r.state, r.progress, r.progress_msg, r.error
      from job_run r where r.campaign_id is not null order by r.campaign_id, r.kind, r.id desc),
newest_training as (
    select distinct on (c.id) c.id as campaign_id, r.id, r.state, r.progress, r.progress_msg, r.error
      from campaign c
      join job_run r on r.kind = 'train' and (r.arguments->>'modelLineId')::bigint in (c.control_line_id, c.treatment_line_id)
     order by c.id, (r.state in ('running', 'queued')) desc, r.id desc),
rows_of_stage as (
    select c.id as campaign_id, 1 as ordinal, 'Importing' as stage, 'import' as kind,
           (select max(v.created_at) from audience_version v where v.audience_id = c.audience_id) as done_at,
           (select v.customers from audience_version v where v.audience_id = c.audience_id order by v.version desc limit 1) as quantity,
           'customers' as unit
      from campaign c
    union all
    select c.id, 2, 'Training', 'train',
           case when t.promoted_at is not null and k.promoted_at is not null then greatest(t.promoted_at, k.promoted_at) end,
           (k.version is not null)::int + (t.version is not null)::int, 'champions of 2'
      from campaign c
      left join champion k on k.model_line_id = c.control_line_id
      left join champion t on t.model_line_id = c.treatment_line_id
    union all
    select c.id, 3, 'Scoring', 'score', s.finished_at, s.customers, 'customers scored by both models'
      from campaign c left join lateral (select * from scoring s where s.campaign_id = c.id and s.finished_at is not null order by s.id desc limit 1) s on true
    union all
    select c.id, 4, 'Allocating', 'allocate',
           -- A missed day stays missing: the last day's wave ends the stage.
           (select w.published_at from wave w where w.campaign_id = c.id and w.wave_date = c.starts_on + c.days - 1),
           (select count(*) from wave w where w.campaign_id = c.id), 'of ' || c.days || ' waves'
      from campaign c
    union all
    select c.id, 5, 'Exporting', 'export',
           case when exists (select from wave w where w.campaign_id = c.id and w.wave_date = c.starts_on + c.days - 1)
                 and (select count(distinct (e.wave_date, e.arm)) from export e where e.campaign_id = c.id) >= 2 * (select count(*) from wave w where w.campaign_id = c.id)
                then (select max(exported_at) from export e where e.campaign_id = c.id) end,
           (select count(distinct (e.wave_date, e.arm)) from export e where e.campaign_id = c.id), 'of ' || 2 * c.days || ' lists'
      from campaign c
    union all
    select c.id, 6, 'Outcomes', 'outcomes',
           greatest(
               (select max(f.imported_at) from import_file f where f.state = 'finished' and f.undone_at is null and f.kind = 'outcomes' and f.audience_id = c.audience_id
                   and f.imported_at >= (select min(w.published_at) from wave w where w.campaign_id = c.id)),
               (select b.received_at from outcome_batch b where b.audiences @> array[c.audience_id]
                   and b.received_at >= (select min(w.published_at) from wave w where w.campaign_id = c.id) order by b.received_at desc limit 1)),
           (select count(*) from delivery d where d.campaign_id = c.id), 'impressions delivered'
      from campaign c
    union all
    select c.id, 7, 'Lift', 'lift',
           (select max(l.computed_at) from lift_report l where l.campaign_id = c.id),
           (select count(*) from lift_report l where l.campaign_id = c.id), 'reports'
      from campaign c)
select s.campaign_id, s.ordinal, s.stage, s.kind,
       case when coalesce(r.state, t.state) = 'running' then 'running'
            when coalesce(r.state, t.state) = 'queued' then 'queued'
            when s.done_at is not null then 'done'
            when coalesce(r.state, t.state) in ('failed', 'cancelled') then coalesce(r.state, t.state)
            else 'waiting' end as state,
       s.done_at, coalesce(s.quantity, 0)::bigint as quantity, s.unit,
       coalesce(r.id, t.id) as run_id, coalesce(r.progress, t.progress) as progress,
       coalesce(r.progress_msg, t.progress_msg) as message, coalesce(r.error, t.error) as error
  from rows_of_stage s
  left join newest_run r on r.campaign_id = s.campaign_id and r.kind = s.kind and s.kind <> 'train'
  left join newest_training t on t.campaign_id = s.campaign_id and s.kind = 'train';
