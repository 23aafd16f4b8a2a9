using System.Text.Json;
using Pimm.Core.Importing;
using Pimm.Core.Networks;
using Pimm.Core.Training;

namespace Pimm.Core.Promoting;

/// <summary>Adds a night to the comparison of a line with the incumbent of its audience: the control line of the newest campaign.</summary>
public sealed class LineComparer(ModelStore models, PromotionStore promotions, RowJudge judge)
{
    /// <param name="champion">of the line, before tonight's judgement changes it</param>
    /// <param name="to">the first instant whose window is open</param>
    /// <returns>null where there is no other learning incumbent or no new row</returns>
    public async Task<LineComparison?> CompareAsync(
        Audience audience, ModelLine line, ModelVersion champion, VersionPredictor predictor, DateTimeOffset to, PromotingOptions options, CancellationToken cancellationToken)
    {
        if (await promotions.IncumbentAsync(audience.Id, cancellationToken) is not { } incumbentId || incumbentId == line.Id)
        {
            return null;
        }

        var incumbent = await models.GetLineAsync(incumbentId, cancellationToken);
        if (!NetworkCatalog.Names.Contains(incumbent.Network) || await models.ChampionAsync(incumbentId, cancellationToken) is not { } theirs)
        {
            return null;
        }

        var last = await promotions.ComparisonAsync(line.Id, incumbentId, cancellationToken);
        var range = RowJudge.RangeOf(theirs, champion, to);
        // Every row is new to both, so each counts: a choice by what a night's rows hold would bend a bound that counts every night.
        var remark = range.WithoutFrom is null ? ""
            : $" Customers whom only one of the two champions has learned from ({range.WithoutFrom:yyyy-MM-dd} to {range.WithoutTo:yyyy-MM-dd}) are among them.";
        range = range with { WithoutFrom = null, WithoutTo = null };
        range = last is { } earlier && earlier.RowsTo > range.From ? range with { From = earlier.RowsTo } : range;
        if (range.From >= range.To)
        {
            return null;
        }

        using var other = new VersionPredictor(audience, theirs, await models.WeightsAsync(theirs.Id, cancellationToken), options.Threads);
        var rows = await judge.JudgeAsync(audience, range, other, predictor, _ => { }, cancellationToken);
        var night = rows.Sums();
        var total = (last?.TotalSums() ?? DifferenceSums.None).Plus(night);
        var verdict = new LineRule(options).Judge($"\"{line.Name}\"", $"\"{incumbent.Name}\"", total);
        return new LineComparison(
            0, line.Id, incumbentId, champion.Id, theirs.Id, range.From, range.To, Json(night), Json(total), verdict.Ready, verdict.Sentence + remark, default);
    }

    private static string Json(DifferenceSums sums) => JsonSerializer.Serialize(sums, JsonSerializerOptions.Web);
}
