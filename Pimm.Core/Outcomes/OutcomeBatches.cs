using Npgsql;
using Pimm.Core.Importing;

namespace Pimm.Core.Outcomes;

/// <summary>Takes a batch of events in, inside the caller's transaction: each counts once, and what cannot be used is put aside.</summary>
public sealed class OutcomeBatches(OutcomeBatchStore batches, OutcomeStore outcomes, CorrectionStore corrections, OutcomeProblemStore problems)
{
    /// <returns>of an atomic batch that has problems: what is wrong; the caller then takes everything back</returns>
    public async Task<BatchAnswer> TakeAsync(NpgsqlConnection connection, OutcomeBatch batch, CancellationToken cancellationToken)
    {
        var (placed, refused, audiences) = await PlaceAsync(connection, batch);
        var currencies = placed.Any(row => row.Event is { Kind: OutcomeKind.Outcome, Currency: not null });
        var origin = new OutcomeOrigin(batch.Source, batch.Order, audiences, null, await batches.NextIdAsync(connection), currencies);
        await StagedOutcomeStore.StageEventsAsync(connection, placed, cancellationToken);
        var (known, found) = await outcomes.TakeOutAsync(connection, origin);
        var corrected = placed.Any(row => row.Event.Corrects is not null);
        if (corrected)
        {
            found.AddRange(await corrections.TakeOutUnknownAsync(connection, origin));
        }
        refused.AddRange(Refused(found, placed));
        known += await TakeOutCountedAsync(connection, origin, refused);
        if (batch.Atomic && refused.Count > 0)
        {
            return Answer(batch, [], known, refused);
        }
        known += await outcomes.LandAsync(connection, origin);
        if (corrected)
        {
            await corrections.ApplyAsync(connection, origin);
        }
        await problems.AddAsync(connection, batch.Source, refused, cancellationToken);
        await problems.RemoveCountedAsync(connection, batch.Source);
        var shares = await batches.SharesAsync(connection, audiences.Select(audience => audience.Id));
        var answer = Answer(batch, shares, known, refused);
        await batches.AddAsync(connection, origin.BatchId!.Value, batch.Source, answer, shares);
        return answer;
    }

    /// <summary>An event that was counted is counted: whatever has changed since, or is wrong with what bears its id now, it is a duplicate.</summary>
    private async Task<int> TakeOutCountedAsync(NpgsqlConnection connection, OutcomeOrigin origin, List<RefusedEvent> refused)
    {
        if (refused.Count == 0)
        {
            return 0;
        }
        var counted = await outcomes.CountedAsync(connection, origin, refused.Select(one => one.EventId).OfType<string>());
        return refused.RemoveAll(one => one.EventId is { } id && counted.Contains(id));
    }

    private async Task<(List<PlacedEvent> Placed, List<RefusedEvent> Refused, IReadOnlyList<Audience> Audiences)> PlaceAsync(NpgsqlConnection connection, OutcomeBatch batch)
    {
        var (read, refused) = (new List<OutcomeEvent>(batch.Events.Count), new List<RefusedEvent>());
        for (var i = 0; i < batch.Events.Count; i++)
        {
            var (said, wrong) = EventReader.Read(i, batch.Events[i]);
            if (said is not null)
            {
                read.Add(said);
            }
            else
            {
                refused.Add(wrong!);
            }
        }
        var campaigns = read.Where(said => said.Campaign is not null).Select(said => said.Campaign!.Value).Distinct().ToList();
        var places = await batches.PlacesAsync(connection, campaigns);
        var audiences = await batches.AudiencesAsync(connection, places.Values.Append(batch.Audience?.Id ?? 0).Distinct());
        var placing = new EventPlacing(batch.Source, places, audiences.ToDictionary(audience => audience.Id), batch.Audience);
        var placed = new List<PlacedEvent>(read.Count);
        foreach (var said in read)
        {
            if (placing.Place(said, out var problem) is { } row)
            {
                placed.Add(row);
            }
            else
            {
                refused.Add(RefusedEvent.Of(said, problem!));
            }
        }
        return (placed, refused, audiences);
    }

    private static IEnumerable<RefusedEvent> Refused(List<ImportProblem> found, List<PlacedEvent> placed)
    {
        if (found.Count == 0)
        {
            return [];
        }
        var byIndex = placed.ToDictionary(row => (long)row.Event.Index);
        return found.Select(problem => RefusedEvent.Of(byIndex[problem.Line], new EventProblem((int)problem.Line, problem.Code, problem.Column, problem.Message)));
    }

    private static BatchAnswer Answer(OutcomeBatch batch, IReadOnlyList<AudienceShare> shares, long known, List<RefusedEvent> refused) => new(
        batch.Events.Count, (int)shares.Sum(share => share.Accepted), (int)known, refused.Count, (int)shares.Sum(share => share.Late), (int)shares.Sum(share => share.Weak),
        [.. refused.Select(one => one.Problem).OrderBy(problem => problem.Index).Take(OutcomeBatch.ListedErrors)]);
}

/// <summary>Finds the audience of each event, and its stage in that audience's funnel.</summary>
internal sealed class EventPlacing(string source, IReadOnlyDictionary<long, long> places, IReadOnlyDictionary<long, Audience> audiences, Audience? fallback)
{
    public PlacedEvent? Place(OutcomeEvent said, out EventProblem? problem)
    {
        problem = null;
        var audience = fallback;
        if (said.Campaign is { } campaign)
        {
            if (!places.TryGetValue(campaign, out var id))
            {
                problem = new EventProblem(said.Index, "unknown_campaign", "campaign", "there is no campaign of this number.");
                return null;
            }
            audience = audiences[id];
        }
        if (audience is null)
        {
            problem = new EventProblem(said.Index, "missing_audience", "campaign", "an outcome needs its audience: name a campaign of it, or send the request with ?audience=.");
            return null;
        }
        short? stage = said.Kind == OutcomeKind.Funnel ? (short)(1 + Array.IndexOf(audience.Funnel, said.Stage)) : null;
        if (stage == 0)
        {
            problem = new EventProblem(said.Index, "bad_stage", "stage", $"the stage is none of the funnel {string.Join(" > ", audience.Funnel)}.");
            return null;
        }
        return new PlacedEvent(said, audience.Id, stage, said.EventId ?? WeakId.Of(said, audience.Id, source));
    }
}
