using System.Text.Json.Serialization;
using Microsoft.Extensions.Options;
using Pimm.Core.Importing;
using Pimm.Core.Queueing;
using Pimm.Core.Training;

namespace Pimm.Core.Promoting;

/// <summary>What a run of the kind "compare-versions" is asked to do.</summary>
/// <param name="VersionIds">2 to 5; the others are compared with the first</param>
/// <param name="Top">N: how many of the newest customers each version would reach</param>
public sealed record CompareRequest(IReadOnlyList<long> VersionIds, int Top)
{
    public const int Fewest = 2;
    public const int MostVersions = 5;
    public const int MostTop = 10_000_000;

    /// <summary>The same of the same question.</summary>
    [JsonIgnore]
    public string Key => FormattableString.Invariant($"versions {string.Join(',', VersionIds)} top {Top}");
}

/// <summary>
/// Lets versions predict the same rows: of nobody's choice, windows closed, seen by none's training; and rank the same customers.
/// It writes nothing but its result: a comparison promotes nobody and spends nothing of α.
/// </summary>
public sealed class CompareVersions(ModelStore models, AudienceStore audiences, AudienceReader reader, IOptions<PromotingOptions> options) : IJob
{
    public const string JobKind = "compare-versions";

    public string Kind => JobKind;

    public async Task RunAsync(JobExecution run, CancellationToken cancellationToken)
    {
        var request = run.ReadArguments<CompareRequest>();
        var chosen = new List<ComparableVersion>();
        foreach (var id in request.VersionIds)
        {
            var version = await models.GetVersionAsync(id, cancellationToken);
            chosen.Add(new ComparableVersion(await models.GetLineAsync(version.ModelLineId, cancellationToken), version));
        }

        if (ComparableVersion.Refusal(chosen) is { } refusal)
        {
            throw new InputException(refusal);
        }

        var audience = await audiences.GetAsync(chosen[0].Line.AudienceId, cancellationToken);
        var predictors = new List<VersionPredictor>();
        try
        {
            foreach (var one in chosen)
            {
                predictors.Add(new VersionPredictor(audience, one.Version, await models.WeightsAsync(one.Version.Id, cancellationToken), options.Value.Validated().Threads));
            }

            var result = await CompareAsync(run, audience, chosen, predictors, request, cancellationToken);
            run.Log(FormattableString.Invariant($"{result.Versions.Count} versions were compared on {result.Rows:N0} rows of {result.Customers:N0} customers."));
            await run.CompleteAsync(result, null, cancellationToken);
        }
        finally
        {
            predictors.ForEach(predictor => predictor.Dispose());
        }
    }

    private async Task<VersionComparison> CompareAsync(
        JobExecution run, Audience audience, List<ComparableVersion> chosen, List<VersionPredictor> predictors, CompareRequest request, CancellationToken cancellationToken)
    {
        var range = ComparableVersion.RangeOf(chosen);
        var rows = await RowsAsync(run, audience, range, predictors, cancellationToken);
        string? remark = null;
        if (range.WithoutFrom is not null && rows.LastPositives < options.Value.MinimumPositives)
        {
            remark = FormattableString.Invariant($"Customers whom only some of the versions have learned from are among the rows: without them there were {rows.LastPositives:N0} positives of the last stage.");
            rows = await RowsAsync(run, audience, range with { WithoutFrom = null, WithoutTo = null }, predictors, cancellationToken);
        }

        run.Report(0.55, "the intervals are drawn");
        var tasks = rows.Tasks(options.Value.Threads, cancellationToken);
        var newest = await audiences.NewestVersionAsync(audience.Id, cancellationToken);
        var tops = new TopChanges(chosen.Count, request.Top);
        var changes = newest is null ? null : await ChangesAsync(run, audience, newest.Version, tops, predictors, cancellationToken);
        var versions = chosen.Select((one, place) =>
        {
            var joint = place == 0 ? null : rows.Joint(place);
            return new ComparedVersion(
                one.Version.Id, one.Line.Id, one.Line.Name, one.Version.Version, tasks[place], tasks[place].Sum(task => task.LogLoss),
                joint?.Difference, joint?.Lower, joint?.Upper, place == 0 ? null : changes?[place]);
        });
        return new VersionComparison([.. versions], range.From, range.To, rows.Rows, rows.Customers, rows.Rows == ComparedRows.Most, remark, tops.Top, newest?.Version, tops.Customers);
    }

    private async Task<ComparedRows> RowsAsync(JobExecution run, Audience audience, HistoryRange range, List<VersionPredictor> predictors, CancellationToken cancellationToken)
    {
        var stages = audience.Funnel.Length;
        var rows = new ComparedRows(audience.Funnel, predictors.Count);
        if (range.From >= range.To)
        {
            return rows;
        }

        var all = new float[predictors.Count * stages];
        await foreach (var batch in reader.HistoryAsync(audience, range, cancellationToken))
        {
            var predicted = predictors.Select(predictor => Predict(predictor, batch)).ToList();
            for (var row = 0; row < batch.Count && rows.Rows < ComparedRows.Most; row++)
            {
                for (var version = 0; version < predicted.Count; version++)
                {
                    predicted[version].AsSpan(row * stages, stages).CopyTo(all.AsSpan(version * stages));
                }

                rows.Add(batch.Customers[row], batch.Stages[row], all);
            }

            run.Report(0.5 * rows.Rows / ComparedRows.Most, FormattableString.Invariant($"{rows.Rows:N0} rows predicted by all versions"));
            if (rows.Rows == ComparedRows.Most)
            {
                break;
            }
        }

        return rows;
    }

    private async Task<TopChange?[]> ChangesAsync(JobExecution run, Audience audience, int version, TopChanges tops, List<VersionPredictor> predictors, CancellationToken cancellationToken)
    {
        var (score, stages) = (new float[predictors.Count], audience.Funnel.Length);
        await foreach (var batch in reader.CustomersAsync(audience, version, cancellationToken))
        {
            var predicted = predictors.Select(predictor => Predict(predictor, batch)).ToList();
            for (var row = 0; row < batch.Count; row++)
            {
                for (var place = 0; place < predicted.Count; place++)
                {
                    score[place] = predicted[place][(row * stages) + stages - 1];
                }

                tops.Add(batch.Customers[row], score);
            }

            run.Report(0.6, FormattableString.Invariant($"{tops.Customers:N0} customers ranked by all versions"));
        }

        tops.Rank();
        var attributes = predictors.Select(_ => new TopChanges.Attributes(audience.Attributes)).ToList();
        var customer = 0;
        await foreach (var batch in reader.CustomersAsync(audience, version, cancellationToken))
        {
            for (var row = 0; row < batch.Count; row++, customer++)
            {
                for (var place = 1; place < attributes.Count; place++)
                {
                    if (tops.Move(customer, place) is var move and not 0)
                    {
                        attributes[place].Add(batch, row, move > 0);
                    }
                }
            }
        }

        return [.. attributes.Select((gathered, place) => new TopChange(tops.Shared(place), gathered.Largest()))];
    }

    private static float[] Predict(VersionPredictor predictor, AttributeBatch batch)
    {
        var probabilities = new float[batch.Count * predictor.Tasks];
        predictor.Predict(batch, probabilities);
        return probabilities;
    }
}
