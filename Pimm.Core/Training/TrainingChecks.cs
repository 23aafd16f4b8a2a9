using System.Text.Json;
using Dapper;
using Microsoft.Extensions.Options;
using Npgsql;
using Pimm.Core.FeatureEncoding;
using Pimm.Core.Importing;
using Pimm.Core.Queueing;

namespace Pimm.Core.Training;

/// <summary>What a training was found to rest on, to be stored with its version.</summary>
/// <param name="Figures">the next training is compared with these: the newest rows or, where a change was accepted, those since it</param>
/// <param name="Accepted">changes that would have stopped the training, had a person not accepted them</param>
public sealed record PassedCheck(TrainingFigures Figures, IReadOnlyList<string> Warnings, IReadOnlyList<string> Accepted);

/// <summary>Looks at a line's new rows before they are trained on, and keeps their figures for the next time.</summary>
public sealed class TrainingChecks(NpgsqlDataSource database, AudienceReader reader, ModelStore models, IOptions<TrainingCheckOptions> options, TimeProvider time)
{
    private const string SelectFigures = "select figures::text from training_check where model_version_id = @versionId";

    private const string InsertCheck =
        "insert into training_check(model_version_id, figures, warnings, accepted, checked_at) values (@versionId, @figures::jsonb, @warnings, @accepted, @at)";

    /// <summary>Warnings go into the run's log. A line's first version has nothing to be compared with, and no champion that could stay.</summary>
    /// <param name="request">its seed and whether it accepts a change</param>
    /// <param name="rows">usable impressions in all</param>
    /// <param name="before">the first instant whose window is open</param>
    /// <exception cref="InputException">the line should not be trained on these rows</exception>
    public async Task<PassedCheck> RequireAsync(
        JobExecution run, ModelLine line, Audience audience, TrainLineRequest request, long rows, DateTimeOffset before, CancellationToken cancellationToken)
    {
        var settings = options.Value.Validated();
        var last = (await models.VersionsAsync(line.Id, cancellationToken)).FirstOrDefault();
        // As of an earlier day than the last version: what came since is not what is trained on.
        var since = last?.NewestImpression is { } end && end <= before ? end : (DateTimeOffset?)null;
        // Its weights may be damaged: that must not stop the line for good.
        var known = since is null || await models.FeatureMapAsync(last!.Id, cancellationToken) is not { } map ? null : FeatureMap.FromJson(map);
        var recent = TimeSpan.FromDays(settings.RecentDays);
        FigureCounts newest = new(audience, before - recent, before, null),
            fresh = new(audience, since ?? before, before, known), older = new(audience, (since ?? before) - recent, since ?? before, known);
        await CountAsync(audience, new HistoryRange((since ?? before) - recent, before), [newest, fresh, older], cancellationToken);
        var figures = newest.Complete();
        if (since is null)
        {
            return new(figures, [], []);
        }

        var (newFigures, olderFigures) = (fresh.Complete(), older.Complete());
        var verdict = new TrainingRule(settings).Decide(new TrainingEvidence(
            last!.Version, before, await FiguresAsync(last.Id, cancellationToken) ?? olderFigures, newFigures, olderFigures,
            figures.Newest ?? olderFigures.Newest, SameRows: since == before && rows == last.TrainingRows && request.Seed == last.Seed, audience.Funnel, Used(line, audience)),
            request.AcceptChange);
        foreach (var warning in verdict.Warnings.Concat(verdict.Accepted.Select(change => $"Accepted by whoever asked for this training: {change}")))
        {
            run.Warn(warning);
        }

        return verdict.Stop is { } stop
            ? throw new InputException($"The line \"{line.Name}\" was not trained, its champion stays. {stop}")
            : new(verdict.Accepted.Count == 0 ? figures : newFigures, verdict.Warnings, verdict.Accepted);
    }

    public Task SaveAsync(NpgsqlConnection connection, long versionId, PassedCheck check) =>
        connection.ExecuteAsync(InsertCheck, new { versionId, figures = check.Figures.ToJson(), warnings = check.Warnings.ToArray(), accepted = check.Accepted.ToArray(), at = time.GetUtcNow() });

    /// <summary>Of a version's training; null where none was stored.</summary>
    public async Task<TrainingFigures?> FiguresAsync(long versionId, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        var json = await connection.ExecuteScalarAsync<string?>(new CommandDefinition(SelectFigures, new { versionId }, cancellationToken: cancellationToken));
        return json is null ? null : TrainingFigures.FromJson(json);
    }

    private async Task CountAsync(Audience audience, HistoryRange range, FigureCounts[] counts, CancellationToken cancellationToken)
    {
        foreach (var targeted in (bool[])[false, true])
        {
            await foreach (var batch in reader.HistoryAsync(audience, range with { Targeted = targeted }, cancellationToken))
            {
                foreach (var count in counts)
                {
                    count.Add(batch, targeted);
                }
            }
        }
    }

    private static HashSet<string> Used(ModelLine line, Audience audience)
    {
        var settings = JsonSerializer.Deserialize<Dictionary<string, string>>(line.Settings)!;
        string[] Listed(string name) => settings.GetValueOrDefault(name, "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        return [.. audience.TrainedOn(Listed("useProtected")).Except(Listed("ignore"))];
    }
}
