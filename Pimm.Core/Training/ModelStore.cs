using System.Globalization;
using System.Security.Cryptography;
using Dapper;
using Npgsql;
using Pimm.Core.Auditing;

namespace Pimm.Core.Training;

/// <summary>Model lines, versions with their weights, and promotions.</summary>
public sealed class ModelStore(NpgsqlDataSource database, TimeProvider time)
{
    private const string SelectLine =
        "select id, audience_id, name, network, settings::text, created_at from model_line where id = @id";

    private const string SelectLineByName =
        "select id, audience_id, name, network, settings::text, created_at from model_line where audience_id = @audienceId and name = @name";

    private const string SelectLines =
        "select id, audience_id, name, network, settings::text, created_at from model_line order by id";

    private const string SelectRun = "select run_id from model_version where id = @id";

    private const string InsertLine =
        """
        insert into model_line(audience_id, name, network, settings, created_at)
        values (@audienceId, @name, @network, @settings::jsonb, @at) returning id
        """;

    private const string SelectVersions =
        """
        select v.id, v.model_line_id, v.version, l.network, v.seed, v.description::text, v.training_rows, v.newest_impression, v.trained_at
          from model_version v join model_line l on l.id = v.model_line_id
         where v.model_line_id = @lineId order by v.version desc
        """;

    private const string SelectChampion =
        """
        select v.id, v.model_line_id, v.version, l.network, v.seed, v.description::text, v.training_rows, v.newest_impression, v.trained_at
          from champion c join model_version v on v.id = c.model_version_id join model_line l on l.id = v.model_line_id
         where c.model_line_id = @lineId
        """;

    private const string SelectChampions =
        """
        select v.id, v.model_line_id, v.version, l.network, v.seed, v.description::text, v.training_rows, v.newest_impression, v.trained_at
          from champion c join model_version v on v.id = c.model_version_id join model_line l on l.id = v.model_line_id
         where c.model_line_id = any(@lineIds)
        """;

    private const string SelectVersion =
        """
        select v.id, v.model_line_id, v.version, l.network, v.seed, v.description::text, v.training_rows, v.newest_impression, v.trained_at
          from model_version v join model_line l on l.id = v.model_line_id
         where v.id = @id
        """;

    private const string SelectRemoved = "select weights_removed_at from model_version where id = @id";

    private const string SelectWeights =
        "select description::text, feature_map::text, weights from model_version where id = @id";

    private const string SelectFeatureMap = "select feature_map::text from model_version where id = @id";

    private const string SelectWeightsHash = "select weights_sha256 from model_version where id = @id";

    private const string InsertVersion =
        """
        insert into model_version(model_line_id, version, seed, description, feature_map, weights, weights_sha256,
            training_rows, newest_impression, run_id, trained_at)
        values (@lineId, (select coalesce(max(version), 0) + 1 from model_version where model_line_id = @lineId), @seed,
            @description::jsonb, @featureMap::jsonb, @weights, @sha, @rows, @newest, @runId, @at)
        returning id
        """;

    private const string InsertPromotion =
        """
        insert into promotion(model_line_id, model_version_id, promoted_at, promoted_by, reason, judgement_id, rolled_back_id)
        select model_line_id, id, @at, @by, @reason, @judgementId, @rolledBackId from model_version where id = @versionId
        returning model_line_id
        """;

    private const string SelectChampionBefore =
        """
        select c.model_version_id, c.version from champion c join model_version v on v.model_line_id = c.model_line_id where v.id = @versionId
        """;

    // One change of a line's champion at a time; whoever waits reads the champion that the one before made.
    private const string LockLine = "select pg_advisory_xact_lock(hashtextextended('promotion', @lineId))";

    public async Task<ModelLine> GetLineAsync(long id, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await connection.QuerySingleOrDefaultAsync<ModelLine>(new CommandDefinition(SelectLine, new { id }, cancellationToken: cancellationToken))
            ?? throw new InputException($"There is no model line {id}: `pimm models list` shows those there are.");
    }

    public async Task<ModelLine?> FindLineAsync(long audienceId, string name, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await connection.QuerySingleOrDefaultAsync<ModelLine>(new CommandDefinition(SelectLineByName, new { audienceId, name }, cancellationToken: cancellationToken));
    }

    public async Task<IReadOnlyList<ModelLine>> LinesAsync(CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return [.. await connection.QueryAsync<ModelLine>(new CommandDefinition(SelectLines, cancellationToken: cancellationToken))];
    }

    /// <summary>The run that trained a version; null where none did.</summary>
    public async Task<long?> RunOfAsync(long versionId, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await connection.ExecuteScalarAsync<long?>(new CommandDefinition(SelectRun, new { id = versionId }, cancellationToken: cancellationToken));
    }

    public async Task<long> CreateLineAsync(long audienceId, string name, string network, string settings = "{}", CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await connection.ExecuteScalarAsync<long>(new CommandDefinition(InsertLine,
            new { audienceId, name, network, settings, at = time.GetUtcNow() }, cancellationToken: cancellationToken));
    }

    /// <summary>Newest first.</summary>
    public async Task<IReadOnlyList<ModelVersion>> VersionsAsync(long lineId, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return [.. await connection.QueryAsync<ModelVersion>(new CommandDefinition(SelectVersions, new { lineId }, cancellationToken: cancellationToken))];
    }

    public async Task<ModelVersion?> ChampionAsync(long lineId, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await connection.QuerySingleOrDefaultAsync<ModelVersion>(new CommandDefinition(SelectChampion, new { lineId }, cancellationToken: cancellationToken));
    }

    /// <summary>The champions of those lines that have one.</summary>
    public async Task<IReadOnlyList<ModelVersion>> ChampionsAsync(long[] lineIds, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return [.. await connection.QueryAsync<ModelVersion>(new CommandDefinition(SelectChampions, new { lineIds }, cancellationToken: cancellationToken))];
    }

    public async Task<ModelVersion> GetVersionAsync(long id, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await connection.QuerySingleOrDefaultAsync<ModelVersion>(new CommandDefinition(SelectVersion, new { id }, cancellationToken: cancellationToken))
            ?? throw new InputException($"There is no model version {id}.");
    }

    /// <summary>The weights, checked against the hash stored with them.</summary>
    /// <exception cref="InputException">the weights are not those that were trained, or retention removed them</exception>
    public async Task<StoredModel> WeightsAsync(long versionId, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        var model = await connection.QuerySingleAsync<StoredModel>(new CommandDefinition(SelectWeights, new { id = versionId }, cancellationToken: cancellationToken));
        if (model.Weights is null && await connection.ExecuteScalarAsync<DateTime?>(new CommandDefinition(SelectRemoved, new { id = versionId }, cancellationToken: cancellationToken)) is { } day)
        {
            throw new InputException($"The weights of model version {versionId} were removed on {day:yyyy-MM-dd}, as Retention:ModelVersions says: choose a newer version, or train the line again.");
        }

        var hash = await connection.ExecuteScalarAsync<byte[]?>(new CommandDefinition(SelectWeightsHash, new { id = versionId }, cancellationToken: cancellationToken));
        if (model.Weights is not null && (hash is null || !SHA256.HashData(model.Weights).AsSpan().SequenceEqual(hash)))
        {
            throw new InputException($"The weights of model version {versionId} do not have the hash stored with them: train again or roll back.");
        }
        return model;
    }

    /// <summary>JSON; null where the version learns nothing. The weights are neither read nor checked.</summary>
    public async Task<string?> FeatureMapAsync(long versionId, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await connection.ExecuteScalarAsync<string?>(new CommandDefinition(SelectFeatureMap, new { id = versionId }, cancellationToken: cancellationToken));
    }

    /// <summary>Adds the line's next version inside the caller's transaction.</summary>
    public async Task<long> AddVersionAsync(
        NpgsqlConnection connection, long lineId, long seed, StoredModel model, long rows, DateTimeOffset? newest, long? runId) =>
        await connection.ExecuteScalarAsync<long>(InsertVersion, new
        {
            lineId, seed, description = model.Description, featureMap = model.FeatureMap, weights = model.Weights,
            sha = model.Weights is null ? null : SHA256.HashData(model.Weights), rows, newest, runId, at = time.GetUtcNow(),
        });

    /// <summary>Until the end of the caller's transaction nobody else changes the line's champion.</summary>
    public static Task LockAsync(NpgsqlConnection connection, long lineId) => connection.ExecuteAsync(LockLine, new { lineId });

    /// <summary>Read behind <see cref="LockAsync"/>, it is the champion as it stays until the transaction ends.</summary>
    public static Task<ModelVersion?> ChampionAsync(NpgsqlConnection connection, long lineId) =>
        connection.QuerySingleOrDefaultAsync<ModelVersion>(SelectChampion, new { lineId });

    /// <summary>Makes a version its line's champion; the one before it stays and can be promoted again.</summary>
    /// <param name="judgementId">the nightly judgement behind it; null: a training or a person</param>
    /// <param name="rolledBackId">the version that is taken out; null: no roll-back</param>
    /// <param name="actor">for the audit log; null: the command line</param>
    public async Task PromoteAsync(
        NpgsqlConnection connection, long versionId, string by, string reason, long? judgementId = null, long? rolledBackId = null, string? actor = null)
    {
        var before = await connection.QuerySingleOrDefaultAsync<(long ModelVersionId, int Version)?>(SelectChampionBefore, new { versionId });
        var line = await connection.ExecuteScalarAsync<long>(InsertPromotion, new { versionId, by, reason, judgementId, rolledBackId, at = time.GetUtcNow() });
        await AuditLog.AddAsync(connection, new AuditEntry(
            actor ?? AuditActor.CommandLine, rolledBackId is null ? "model.promote" : "model.rollback", "model-line", line.ToString(CultureInfo.InvariantCulture),
            before is { } was ? new { was.ModelVersionId, was.Version } : null, new { ModelVersionId = versionId, reason, judgementId, rolledBackId }));
    }
}
