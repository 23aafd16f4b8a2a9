using System.Collections.Concurrent;
using Npgsql;
using Pimm.Core.Database;
using Pimm.Core.Outcomes;
using Pimm.Core.Statistics;
using Pimm.Testing;
using Shouldly;
using Xunit;

namespace Pimm.Database.Tests.Outcomes;

/// <summary>Batches drawn at random, overlapping, sent at once, again, and broken off: what is stored depends on the events alone.</summary>
public sealed class RandomBatchesTests(OutcomeRequests requests) : IClassFixture<OutcomeRequests>
{
    private const int Customers = 60;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <param name="Good">counts in the end</param>
    private sealed record Drawn(string Id, string Json, bool Good, int Customer, int Stage, double? Amount, string? Corrects, int Hour);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Every_event_counts_once_and_every_batch_adds_up(long seed)
    {
        var source = $"random {seed}";
        var chance = new RandomStream(unchecked((ulong)seed), "random batches");
        var events = Draw(chance, seed);
        var batches = Enumerable.Range(0, 24).Select(_ => Pick(chance, events)).Append(events).Append(events).ToList();
        var answers = new ConcurrentBag<BatchAnswer>();

        // Each batch twice, four at once; one in three is broken off somewhere and sent again with the same key.
        var tries = batches.Concat(batches).Select((batch, i) => (Batch: batch, Key: $"{source} {i % batches.Count}", BreakAfter: i % 3 == 0 ? chance.NextInt(60) : -1)).ToList();
        await Parallel.ForEachAsync(tries, new ParallelOptions { MaxDegreeOfParallelism = 4, CancellationToken = Cancel },
            async (one, _) => await SendUntilDoneAsync(source, one.Batch, one.Key, one.BreakAfter, answers));
        await ReplayUntilNothingChangesAsync(answers);

        answers.ShouldAllBe(answer => answer.Received == answer.Accepted + answer.Duplicate + answer.Quarantined);
        var good = events.Where(drawn => drawn.Good).ToList();
        answers.Sum(answer => answer.Accepted).ShouldBe(good.Count);
        foreach (var table in new[] { "outcome_event", "outcome_received" })
            (await requests.QueryAsync<string>($"select event_id from {table} where source = '{source}' order by event_id collate \"C\"")).ShouldBe(good.Select(drawn => drawn.Id).Order(StringComparer.Ordinal));
        (await requests.QueryAsync<string>($"select event_id from outcome_problem where source = '{source}'")).Order(StringComparer.Ordinal).ShouldBe(events.Where(drawn => !drawn.Good).Select(drawn => drawn.Id).Order(StringComparer.Ordinal));
        (await requests.QueryAsync<(string, double, bool)>($"select event_id, case when voided then 0 else amount end, voided from customer_outcome where source = '{source}' order by event_id collate \"C\"")).ShouldBe(State(good));
        var labels = await requests.QueryAsync<(Guid, short)>("select customer, stage from funnel_label");
        good.Where(drawn => drawn.Stage > 0).ShouldAllBe(drawn => labels.Contains(new ValueTuple<Guid, short>(OutcomeWorld.CustomerOf(drawn.Customer), (short)drawn.Stage)));
    }

    private List<Drawn> Draw(RandomStream chance, long seed)
    {
        var world = requests.World;
        var events = new List<Drawn>();
        for (var i = 0; i < 240; i++)
        {
            var (id, customer, hour) = ($"{seed}-{i:000}", chance.NextInt(Customers), 10 + chance.NextInt(10));
            var at = $",\"occurred_at\":\"{world.Wave:yyyy-MM-dd}T{hour}:00:00Z\"";
            var outcomes = events.Where(drawn => drawn is { Good: true, Stage: 0, Corrects: null, Amount: not null }).ToList();
            switch (chance.NextInt(7))
            {
                case 0:
                    events.Add(new Drawn(id, world.Delivered(id, customer, at), true, customer, 0, null, null, hour));
                    break;
                case 1:
                    for (var stage = 1; stage <= 3; stage++)
                        events.Add(new Drawn($"{id}.{stage}", world.Label($"{id}.{stage}", customer, stage, at), true, customer, stage, null, null, hour));
                    break;
                case 2:
                    events.Add(new Drawn(id, world.Outcome(id, 1_000 + i, 1, at), false, 0, 0, null, null, hour));
                    break;
                case 3 or 4 when outcomes.Count > 0:
                    var corrected = outcomes[chance.NextInt(outcomes.Count)];
                    double? amount = chance.NextInt(3) == 0 ? null : 1 + chance.NextInt(100);
                    var more = $",\"corrects\":\"{corrected.Id}\"{(amount is null ? ",\"void\":true" : "")}{at}";
                    events.Add(new Drawn(id, world.Outcome(id, corrected.Customer, amount, more), true, corrected.Customer, 0, amount, corrected.Id, hour));
                    break;
                default:
                    double paid = 1 + chance.NextInt(100);
                    events.Add(new Drawn(id, world.Outcome(id, customer, paid, at), true, customer, 0, paid, null, hour));
                    break;
            }
        }
        return events;
    }

    private static List<Drawn> Pick(RandomStream chance, List<Drawn> events)
    {
        var some = Enumerable.Range(0, 10 + chance.NextInt(60)).Select(_ => events[chance.NextInt(events.Count)]).ToArray();
        chance.Shuffle<Drawn>(some);
        return [.. some];
    }

    private async Task SendUntilDoneAsync(string source, List<Drawn> batch, string key, int breakAfter, ConcurrentBag<BatchAnswer> answers)
    {
        while (true)
        {
            using var broken = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
            if (breakAfter >= 0)
                broken.CancelAfter(breakAfter);
            breakAfter = -1;
            try
            {
                var taken = await requests.AskAsync(batch.Select(drawn => drawn.Json), source, key, cancel: broken.Token);
                if (taken.State == RequestState.Done)
                    answers.Add(taken.Answer!);
                if (taken.State is RequestState.Done or RequestState.Replayed)
                    return;
                taken.State.ShouldBe(RequestState.InFlight);
                await Task.Delay(10, Cancel);
            }
            catch (Exception e) when (broken.IsCancellationRequested && !Cancel.IsCancellationRequested && e is OperationCanceledException or NpgsqlException)
            {
                PostgresErrors.Translate(e).ShouldNotBeNull();
            }
        }
    }

    private async Task ReplayUntilNothingChangesAsync(ConcurrentBag<BatchAnswer> answers)
    {
        BatchAnswer replayed;
        do
        {
            replayed = await requests.ReplayAsync();
            answers.Add(replayed);
        }
        while (replayed.Accepted > 0);
    }

    private static IEnumerable<(string, double, bool)> State(List<Drawn> good)
    {
        foreach (var outcome in good.Where(drawn => drawn is { Stage: 0, Corrects: null, Amount: not null }).OrderBy(drawn => drawn.Id, StringComparer.Ordinal))
        {
            var corrections = good.Where(drawn => drawn.Corrects == outcome.Id).OrderBy(drawn => drawn.Hour).ThenBy(drawn => drawn.Id, StringComparer.Ordinal).ToList();
            var last = corrections.LastOrDefault() ?? outcome;
            yield return (outcome.Id, last.Amount ?? 0, last.Amount is null);
        }
    }
}
