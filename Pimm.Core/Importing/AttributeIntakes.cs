using Dapper;
using Npgsql;

namespace Pimm.Core.Importing;

/// <summary>A customer file: the audience's next version, which exists when its row does.</summary>
internal sealed class CustomerIntake(Audience audience, string settings, double acceptBadShare, ImportStore imports)
    : FileIntake(audience, "customers", settings, acceptBadShare)
{
    public override FileRows Open(DelimitedReader file, ImportProgress progress) => new CustomerRows(Audience, file, progress.Version!.Value);

    public override Task RemoveAsync(NpgsqlConnection connection, ImportProgress progress) =>
        connection.ExecuteAsync($"delete from {Audience.CustomersTable} where version = @Version", new { progress.Version });

    public override async Task<ImportCounts> LandAsync(NpgsqlConnection connection, ImportProgress progress, List<ImportProblem> problems)
    {
        var version = progress.Version!.Value;
        var known = await imports.CountKnownAsync(connection, Audience, version);
        await imports.AddVersionAsync(connection, Audience.Id, version, progress.Id, progress.Written);
        return new ImportCounts(progress.Received, progress.Written - known, known, 0, progress.Quarantined);
    }
}

/// <summary>A history file: training sees its rows when the file is finished.</summary>
internal sealed class HistoryIntake(Audience audience, FunnelOrder order, string settings, double acceptBadShare)
    : FileIntake(audience, "history", settings, acceptBadShare)
{
    private HistoryRows? _rows;

    public override IReadOnlyList<string> Notes => _rows?.Notes() ?? [];

    public override FileRows Open(DelimitedReader file, ImportProgress progress) => _rows = new HistoryRows(Audience, file, order, progress.Id);

    public override Task RemoveAsync(NpgsqlConnection connection, ImportProgress progress) =>
        connection.ExecuteAsync($"delete from {Audience.HistoryTable} where import_file_id = @Id", new { progress.Id });

    public override Task<ImportCounts> LandAsync(NpgsqlConnection connection, ImportProgress progress, List<ImportProblem> problems) =>
        Task.FromResult(new ImportCounts(progress.Received, progress.Written, 0, 0, progress.Quarantined));
}
