-- Filters of a campaign's audience, campaigns that are put away, and campaigns that are not finished being defined.

alter table campaign
    add column filter        jsonb check (jsonb_typeof(filter) = 'array' and jsonb_array_length(filter) between 1 and 20),
    add column filter_reason text check (length(filter_reason) between 1 and 1000),
    add column archived_at   timestamptz;
comment on column campaign.filter is 'conditions that a customer must meet, all of them: [{"attribute", "operator", "values"}]; null: none';
comment on column campaign.filter_reason is 'why a protected attribute, or one that tells it, is filtered by';
comment on column campaign.archived_at is 'hidden from lists since; nothing else changes';

create trigger campaign_filter_is_frozen before update on campaign for each row
    when ((old.filter, old.filter_reason) is distinct from (new.filter, new.filter_reason)) execute function campaign_is_frozen();

-- What somebody has typed so far. It need not be complete, and nothing but its owner's page reads it.
create table campaign_draft (
    id          bigint generated always as identity primary key,
    owner       text        not null,
    campaign_id bigint references campaign on delete cascade,
    base_tag    text,
    name        text        not null check (length(name) <= 200),
    form        jsonb       not null,
    saved_at    timestamptz not null,
    check ((campaign_id is null) = (base_tag is null))
);
create unique index campaign_draft_of_campaign on campaign_draft (owner, campaign_id) where campaign_id is not null;
create index on campaign_draft (owner, saved_at desc);
comment on column campaign_draft.campaign_id is 'the campaign whose definition is being changed; null: a new one';
comment on column campaign_draft.base_tag is 'of the definition that the change began with';
