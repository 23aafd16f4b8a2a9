-- What pages of a large campaign count again and again is counted as it comes.

create table delivery_count (
    campaign_id bigint   not null references campaign,
    wave_date   date     not null,
    arm         smallint not null check (arm in (0, 1)),
    customers   bigint   not null
);
create index on delivery_count (campaign_id);
comment on table delivery_count is 'read-only: a trigger of delivery adds one row a statement, wave and arm, so that nobody waits for anybody; their sum is the count of delivery';
comment on column delivery_count.customers is 'that were added; below zero, that were taken back';

insert into delivery_count
select d.campaign_id, d.wave_date, a.arm, count(*) from delivery d join assignment a on a.customer = d.customer and a.campaign_id = d.campaign_id group by 1, 2, 3;

create function count_deliveries() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
begin
    insert into delivery_count
    select c.campaign_id, c.wave_date, a.arm, case tg_op when 'INSERT' then count(*) else -count(*) end
      from changed c join assignment a on a.customer = c.customer and a.campaign_id = c.campaign_id group by 1, 2, 3;
    return null;
end $$;
create trigger delivery_is_counted after insert on delivery referencing new table as changed for each statement execute function count_deliveries();
create trigger delivery_is_taken_back after delete on delivery referencing old table as changed for each statement execute function count_deliveries();
revoke execute on function count_deliveries() from public;

create index wave_plan_held_back on wave_plan (campaign_id, wave_date, arm) where policy = arm and action = 2;
create index assignment_flagged on assignment (campaign_id, arm) where flagged;
