using Pimm.Core.Importing;
using Pimm.Core.Queueing;
using Pimm.Core.Training;

namespace Pimm.Core.Promoting;

/// <summary>A version, the champion it would replace, and what is known of both.</summary>
/// <param name="RolledBack">a person took the version out before</param>
/// <param name="Spent">α spent by the line's judgements of the last nights</param>
public sealed record VersionToJudge(Audience Audience, ModelLine Line, ModelVersion Champion, ModelVersion Version, bool RolledBack, double Spent);

/// <param name="Lines">tonight's comparison with the incumbent line; null where there is none</param>
public sealed record JudgedVersion(PromotionJudgement Judgement, LineComparison? Lines);

/// <summary>Reads what a judgement needs and asks the rules; writes nothing.</summary>
public sealed class VersionJudge(ModelStore models, RowJudge judge, LineComparer lines)
{
    public async Task<JudgedVersion> JudgeAsync(VersionToJudge asked, PromotingOptions options, JobExecution run, CancellationToken cancellationToken)
    {
        var (audience, line, champion, version) = (asked.Audience, asked.Line, asked.Champion, asked.Version);
        // A champion that does not load is no reason to take another one unseen: the run fails and says so.
        using var theirs = await OpenAsync(audience, champion, options, cancellationToken);
        var to = version.NewestImpression ?? champion.NewestImpression
            ?? throw new InputException($"Version {version.Version} of \"{line.Name}\" does not say which impressions it has learned from: train it again.");
        var comparison = await ComparedAsync(asked, theirs, to, options, run, cancellationToken);
        if (asked.RolledBack)
        {
            return new(Without(asked, PromotionJudgement.Kept,
                $"Version {version.Version} was rolled back by a person and is not promoted again by night; version {champion.Version} stays."), comparison);
        }

        VersionPredictor mine;
        try
        {
            mine = await OpenAsync(audience, version, options, cancellationToken);
        }
        catch (InputException damaged)
        {
            return new(Without(asked, PromotionJudgement.Refused, $"Version {version.Version} cannot be used, version {champion.Version} stays. {damaged.Message}"), comparison);
        }

        using (mine)
        {
            var range = RowJudge.RangeOf(champion, version, to);
            var evidence = await EvidenceAsync(audience, range, theirs, mine, options, run, cancellationToken);
            var decision = new PromotionRule(options).Decide(version.Version, champion.Version, evidence, asked.Spent);
            return new(PromotionJudgement.Of(line.Id, version.Id, champion.Id, decision, evidence, range.From, range.To, asked.Spent), comparison);
        }
    }

    /// <summary>Evidence only: what is wrong with the other line is no reason to keep this one's refresh back.</summary>
    private async Task<LineComparison?> ComparedAsync(
        VersionToJudge asked, VersionPredictor champion, DateTimeOffset to, PromotingOptions options, JobExecution run, CancellationToken cancellationToken)
    {
        try
        {
            var comparison = await lines.CompareAsync(asked.Audience, asked.Line, asked.Champion, champion, to, options, cancellationToken);
            if (comparison is not null)
            {
                run.Log(comparison.Sentence);
            }

            return comparison;
        }
        catch (InputException unusable)
        {
            run.Warn($"\"{asked.Line.Name}\" was not compared with the incumbent line tonight. {unusable.Message}");
            return null;
        }
    }

    /// <summary>
    /// Without the customers whom only one of the two has learned from, as long as enough is left: a champion that stayed for months
    /// has hardly a customer of today in common with its refresh, and must not stay for ever because of that.
    /// </summary>
    private async Task<RefreshEvidence> EvidenceAsync(
        Audience audience, HistoryRange range, VersionPredictor champion, VersionPredictor version, PromotingOptions options, JobExecution run, CancellationToken cancellationToken)
    {
        void Report(long rows) => run.Report(0.5, $"{rows:N0} rows predicted by both versions");
        var strict = (await judge.JudgeAsync(audience, range, champion, version, Report, cancellationToken)).Evidence();
        if (range.WithoutFrom is null || strict.LastPositives >= options.MinimumPositives)
        {
            return strict;
        }

        var all = await judge.JudgeAsync(audience, range with { WithoutFrom = null, WithoutTo = null }, champion, version, Report, cancellationToken);
        return all.Evidence() with
        {
            Remark = FormattableString.Invariant($"Customers whom only one of the two versions has learned from are among the rows: without them there were {strict.LastPositives:N0} positives of the last stage."),
        };
    }

    private static PromotionJudgement Without(VersionToJudge asked, string decision, string sentence) =>
        PromotionJudgement.Without(asked.Line.Id, asked.Version.Id, asked.Champion.Id, decision, sentence, asked.Spent);

    private async Task<VersionPredictor> OpenAsync(Audience audience, ModelVersion version, PromotingOptions options, CancellationToken cancellationToken) =>
        new(audience, version, await models.WeightsAsync(version.Id, cancellationToken), options.Threads);
}
