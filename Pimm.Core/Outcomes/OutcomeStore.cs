using Dapper;
using Microsoft.Extensions.Options;
using Npgsql;
using Pimm.Core.Importing;

namespace Pimm.Core.Outcomes;

/// <summary>How events are taken: the same rules for a file and for a batch over HTTP.</summary>
/// <param name="Source">who counted them; an event's id is unique within its source, for ever</param>
/// <param name="Audiences">those whose customers the events name</param>
/// <param name="ImportFileId">the file; null: they came over HTTP</param>
/// <param name="BatchId">the batch over HTTP; null: they came as a file</param>
/// <param name="NamesCurrencies">an outcome or a correction names its currency</param>
public sealed record OutcomeOrigin(
    string Source, FunnelOrder Order, IReadOnlyList<Audience> Audiences, long? ImportFileId, long? BatchId = null, bool NamesCurrencies = false);

/// <summary>
/// Events that came back, as they lie in the table staged_outcome of the caller's transaction: what was seen before is taken out
/// and counted, what is wrong is taken out as problems, the rest lands in the tables.
/// </summary>
public sealed class OutcomeStore(IOptions<OutcomesOptions> options, TimeProvider time)
{
    // Before what is wrong: an event that was counted once is counted, however late it is sent again. "offset 0" keeps the search an
    // index look-up an event; as a join it reads all events there ever were whenever a batch looks large beside them.
    private const string TakeOutKnown =
        """
        with known as (
            delete from staged_outcome s
             where exists (select from outcome_event e where e.source = @Source and e.event_id = s.event_id offset 0)
            returning s.line)
        select count(*) from known
        """;

    // Behind what is wrong by itself, so that a bad event never stands for a good one of its id; of good ones that which needs no other.
    private const string TakeOutTwins =
        """
        with twins as (
            delete from staged_outcome s using (
                select line, row_number() over (partition by event_id order by corrects is not null, stage, line) as nth from staged_outcome) c
             where c.line = s.line and c.nth > 1
            returning s.line)
        select count(*) from twins
        """;

    private const string SelectCounted =
        """
        select event_id from outcome_event where source = @Source and event_id = any(@ids)
        union select event_id from staged_outcome where event_id = any(@ids)
        """;

    // A simulated market lives in a time of its own.
    private const string TakeOutFuture =
        """
        delete from staged_outcome s using audience a
         where a.id = s.audience_id and not a.simulated and s.occurred_at > @now::timestamptz + interval '5 minutes'
        returning s.line, 'occurred_at' as "column", 'future_time' as code,
                  'this lies more than 5 minutes ahead of this server''s clock; correct the sender''s clock or the time''s offset.' as message
        """;

    // A customer outcome is too late when every campaign that would count it is over; a correction never is.
    private const string TakeOutLate =
        """
        with closed as materialized (
            select c.id, c.audience_id, campaign_period(c.starts_on, c.days, c.window_days, c.time_zone) as period
              from campaign c join audience a on a.id = c.audience_id and not a.simulated where c.audience_id = any(@audiences)),
        over as materialized (select id, audience_id, period, upper(period) < @now::timestamptz - @grace::interval as over from closed)
        delete from staged_outcome s
         where s.corrects is null and case s.kind when 3
               then (select bool_and(o.over) from over o where o.audience_id = s.audience_id and o.period @> s.occurred_at)
               else exists (select from over o where o.id = s.campaign_id and o.over) end
        returning s.line, 'occurred_at' as "column", 'too_late' as code,
                  'the campaign''s window closed longer ago than events are waited for (Outcomes:GraceDays); its report stands.' as message
        """;

    // A delivery beside the plans is no impression of the campaign, but the report says how many there were in each arm.
    private const string TakeOutUnknownImpressions =
        """
        with taken as (
            delete from staged_outcome s
             where s.kind in (1, 2) and not exists (
                   select from wave_plan p where p.customer = s.customer and p.campaign_id = s.campaign_id and p.wave_date = s.wave_date
                      and p.policy = p.arm and p.action = 1)
            returning s.line, s.kind, s.customer, s.audience_id, s.campaign_id, s.wave_date, s.occurred_at),
        stray as (
            insert into stray_delivery(customer, campaign_id, wave_date, delivered_at, import_file_id)
            select t.customer, t.campaign_id, t.wave_date, min(t.occurred_at), @ImportFileId
              from taken t join campaign c on c.id = t.campaign_id and c.audience_id = t.audience_id
             where t.kind = 1 group by 1, 2, 3 order by 1, 2, 3
            on conflict do nothing)
        select t.line, 'customer' as "column", 'unknown_impression' as code,
               'this customer was not on a list of that campaign and wave.' as message
          from taken t
        """;

    // Amounts of an audience are added up. It is held, so that nobody corrects its currency before these are counted.
    private const string TakeOutOtherCurrencies =
        """
        update audience a set currency = s.currency
          from (select distinct on (audience_id) audience_id, currency from staged_outcome where kind = 3 and currency is not null order by audience_id, line) s
         where a.id = s.audience_id and a.currency is null;
        with held as materialized (select id, currency from audience where id = any(@audiences) order by id for share)
        delete from staged_outcome s using held a where a.id = s.audience_id and s.kind = 3 and s.currency <> a.currency
        returning s.line, 'currency' as "column", 'other_currency' as code,
                  'the audience''s amounts are in the currency that its first outcome named, and are added up; send this amount converted into that one.' as message
        """;

    // An impression reaches stage k only through the k - 1 stages before it, in this file or an earlier one.
    private const string TakeOutBrokenOrder =
        """
        with known as (
            select customer, campaign_id, wave_date, stage from staged_outcome where kind = 2
            union select f.customer, f.campaign_id, f.wave_date, f.stage from funnel_label f
                   join (select distinct customer, campaign_id, wave_date from staged_outcome where kind = 2 and stage > 1) s
                     using (customer, campaign_id, wave_date)),
        reached as (
            select s.line, count(distinct k.stage) as earlier
              from staged_outcome s left join known k
                on k.customer = s.customer and k.campaign_id = s.campaign_id and k.wave_date = s.wave_date and k.stage < s.stage
             where s.kind = 2 and s.stage > 1 group by s.line)
        delete from staged_outcome s using reached r where r.line = s.line and r.earlier < s.stage - 1
        returning s.line, 'stage' as "column", 'funnel_order' as code,
                  'a later stage without the one before it; send the earlier event too or choose --order cascade-up.' as message
        """;

    // Written first. In the order of the ids, so that two batches with the same events never wait for each other in a ring;
    // what the other one has counted meanwhile goes no further here.
    private const string KeepNewEvents =
        """
        with fresh as (
            insert into outcome_event(source, event_id, import_file_id)
            select @Source, event_id, @ImportFileId from staged_outcome order by event_id on conflict do nothing returning event_id),
        known as (delete from staged_outcome s where not exists (select from fresh f where f.event_id = s.event_id) returning s.line)
        select count(*) from known
        """;

    // Stages that were reported and those they imply in one order, so that two batches never wait for each other in a ring.
    private const string Land =
        """
        insert into delivery(customer, campaign_id, wave_date, delivered_at)
        select customer, campaign_id, wave_date, min(occurred_at) from staged_outcome where kind = 1 group by 1, 2, 3 order by 1, 2, 3
        on conflict do nothing;
        insert into funnel_label(customer, campaign_id, wave_date, stage, occurred_at)
        select s.customer, s.campaign_id, s.wave_date, g.stage, coalesce(min(s.occurred_at) filter (where g.stage = s.stage), min(s.occurred_at))
          from staged_outcome s cross join lateral generate_series(case when @implied then 1 else s.stage end, s.stage) g(stage)
         where s.kind = 2 group by 1, 2, 3, 4 order by 1, 2, 3, 4
        on conflict do nothing;
        insert into customer_outcome(customer, audience_id, occurred_at, amount, source, event_id)
        select customer, audience_id, occurred_at, amount, @Source, event_id from staged_outcome where kind = 3 and corrects is null;
        insert into outcome_received(received_at, source, event_id, weak, kind, customer, audience_id, campaign_id, wave_date, stage,
                                     occurred_at, amount, currency, corrects, void, import_file_id, outcome_batch_id)
        select @now, @Source, event_id, weak, kind, customer, audience_id, campaign_id, wave_date, stage,
               occurred_at, amount, currency, corrects, void, @ImportFileId, @BatchId from staged_outcome
        """;

    /// <summary>Which of these ids are counted already, or are about to be.</summary>
    public async Task<IReadOnlySet<string>> CountedAsync(NpgsqlConnection connection, OutcomeOrigin origin, IEnumerable<string> ids) =>
        (await connection.QueryAsync<string>(SelectCounted, new { origin.Source, ids = ids.ToArray() })).ToHashSet(StringComparer.Ordinal);

    /// <summary>
    /// Takes out of the staging table what was counted before, then what cannot be believed, and says why, and what stands there twice;
    /// deliveries to customers that were not exported are kept apart.
    /// </summary>
    /// <returns>how many were known or stood there twice, and what is wrong with the others</returns>
    public async Task<(long Known, List<ImportProblem> Problems)> TakeOutAsync(NpgsqlConnection connection, OutcomeOrigin origin)
    {
        string[] currencies = origin.NamesCurrencies ? [TakeOutOtherCurrencies] : [], order = origin.Order == FunnelOrder.CascadeUp ? [] : [TakeOutBrokenOrder];
        string[] wrong = [TakeOutFuture, .. origin.Audiences.Select(TakeOutUnknownCustomers), TakeOutUnknownImpressions, TakeOutLate, .. currencies];
        string[] statements = [TakeOutKnown, .. wrong, TakeOutTwins, .. order];
        // One round trip; the server runs them one after the other.
        await using var results = await connection.QueryMultipleAsync(string.Join(";\n", statements), new
        {
            origin.Source, origin.ImportFileId, now = time.GetUtcNow(), grace = TimeSpan.FromDays(options.Value.GraceDays),
            audiences = origin.Audiences.Select(audience => audience.Id).ToArray(),
        });
        var known = await results.ReadSingleAsync<long>();
        var problems = new List<ImportProblem>();
        for (var i = 0; i < wrong.Length; i++)
        {
            problems.AddRange(await results.ReadAsync<ImportProblem>());
        }
        known += await results.ReadSingleAsync<long>();
        while (!results.IsConsumed)
        {
            problems.AddRange(await results.ReadAsync<ImportProblem>());
        }
        return (known, problems);
    }

    /// <summary>Moves the new events into their tables.</summary>
    /// <returns>events that somebody else has counted meanwhile</returns>
    public Task<long> LandAsync(NpgsqlConnection connection, OutcomeOrigin origin) =>
        connection.QuerySingleAsync<long>($"{KeepNewEvents};\n{Land}", new
        {
            origin.Source, origin.ImportFileId, origin.BatchId, now = time.GetUtcNow(), implied = origin.Order == FunnelOrder.CascadeUp,
        });

    // Of a version that is there: rows of a file that is still being read, or was given up, are nobody's.
    private static string TakeOutUnknownCustomers(Audience audience) =>
        $"""
        delete from staged_outcome s
         where s.kind = 3 and s.audience_id = {audience.Id} and not exists (
               select from {audience.CustomersTable} c join audience_version v on v.audience_id = {audience.Id} and v.version = c.version
                where c.customer = s.customer)
        returning s.line, 'customer' as "column", 'unknown_customer' as code, 'no customer of this audience has this key.' as message
        """;
}
