using Pimm.Core.Campaigns;
using Pimm.Core.Importing;
using Pimm.Core.Queueing;

namespace Pimm.Core.Scoring;

/// <summary>What is asked before a campaign is made: how many customers would both lines' champions choose?</summary>
/// <param name="Filter">as <see cref="Campaign.Filter"/></param>
/// <param name="WaveShare">share of an arm's eligible customers that one wave takes, above 0</param>
/// <param name="WholeShare">share that all waves take, above 0</param>
public sealed record OverlapRequest(long AudienceId, long ControlLineId, long TreatmentLineId, string? Filter, double WaveShare, double WholeShare);

/// <summary>What came of it.</summary>
/// <param name="Sample">customers who were scored by both: those who meet the filter in the part of the audience whose hashes come first</param>
/// <param name="WaveTop">how many of the sample each model would take for one wave</param>
/// <param name="WaveShared">how many of those are the same</param>
public sealed record OverlapResult(long Sample, int ControlVersion, int TreatmentVersion, int WaveTop, int WaveShared, int WholeTop, int WholeShared);

/// <summary>
/// Scores a sample of an audience with two champions and compares the tops of their rankings. A customer's id is a hash, so the ids
/// below a bound are a sample by hash. Opt-outs, consent and hashes of traffic are left aside: they know nothing of scores.
/// </summary>
public sealed class MeasureOverlap(AudienceStore audiences, AudienceReader reader, ChampionScorers champions, ScoreShardStore shards) : IJob
{
    public const string JobKind = "overlap";

    /// <summary>Customers who are read at most, about.</summary>
    public const int SampleCustomers = 20_000;

    public string Kind => JobKind;

    public async Task RunAsync(JobExecution run, CancellationToken cancellationToken)
    {
        var request = run.ReadArguments<OverlapRequest>();
        var audience = await audiences.GetAsync(request.AudienceId, cancellationToken);
        var version = await audiences.NewestVersionAsync(audience.Id, cancellationToken)
            ?? throw new InputException($"The audience \"{audience.Name}\" has no customers yet: import a customer file first.");
        var (control, treatment) = (await champions.ChampionAsync(request.ControlLineId, cancellationToken), await champions.ChampionAsync(request.TreatmentLineId, cancellationToken));
        var part = version.Customers <= SampleCustomers ? new ScoreShard(0, Guid.Empty, null) : ScoreShard.Of((int)(version.Customers / SampleCustomers) + 1)[0];
        var matching = await shards.MatchingAsync(request.Filter is null ? [] : FilterCondition.Parse(request.Filter), audience, version.Version, part, cancellationToken);

        var scores = new List<CustomerScore>();
        using var controlScorer = await champions.OpenAsync(audience, control, cancellationToken);
        using var treatmentScorer = await champions.OpenAsync(audience, treatment, cancellationToken);
        await foreach (var batch in reader.CustomersAsync(audience, version.Version, part.FirstCustomer, part.NextCustomer, cancellationToken))
        {
            batch.Keep(customer => matching?.Contains(customer) != false);
            if (batch.Count == 0)
            {
                continue;
            }
            var (first, second) = (new float[batch.Count], new float[batch.Count]);
            controlScorer.Score(batch, first);
            treatmentScorer.Score(batch, second);
            scores.AddRange(Enumerable.Range(0, batch.Count).Select(row => new CustomerScore(batch.Customers[row], first[row], second[row])));
            run.Report(Math.Min(0.99, (double)scores.Count / (matching?.Count ?? Math.Min(version.Customers, SampleCustomers))), $"{scores.Count:N0} customers of the sample scored by both models");
        }
        var (wave, whole) = (Compare(scores, request.WaveShare), Compare(scores, request.WholeShare));
        await run.CompleteAsync(new OverlapResult(scores.Count, control.Version, treatment.Version, wave.Top, wave.Shared, whole.Top, whole.Shared), null, cancellationToken);
    }

    /// <summary>How many customers each model takes from the top, and how many both take.</summary>
    /// <param name="share">of the customers</param>
    public static (int Top, int Shared) Compare(IReadOnlyList<CustomerScore> scores, double share)
    {
        var top = (int)Math.Clamp(Math.Round(share * scores.Count), scores.Count == 0 ? 0 : 1, scores.Count);
        var first = scores.OrderByDescending(score => score.Control).ThenBy(score => score.Customer).Take(top).Select(score => score.Customer).ToHashSet();
        return (top, scores.OrderByDescending(score => score.Treatment).ThenBy(score => score.Customer).Take(top).Count(score => first.Contains(score.Customer)));
    }
}
