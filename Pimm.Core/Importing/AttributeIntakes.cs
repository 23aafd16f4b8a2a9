using System.Globalization;
using Dapper;
using Npgsql;

namespace Pimm.Core.Importing;

/// <summary>A customer file: the audience's next version, which exists when its row does.</summary>
internal sealed class CustomerIntake(Audience audience, IntakeOptions options, ImportStore imports, PersonFactsStore persons) : FileIntake(audience, "customers", options)
{
    private readonly MergedVersion _merged = new(audience);
    private CustomerRows? _rows;
    private long _staleConsents;

    public override IReadOnlyList<string> Notes => [.. _rows?.LeftOut ?? [], .. Stale];

    private IEnumerable<string> Stale => _staleConsents > 0
        ? [string.Create(CultureInfo.InvariantCulture, $"{_staleConsents:N0} consents are older than what is known of those customers and changed nothing.")]
        : [];

    public override FileRows Open(DelimitedReader file, ImportProgress progress) =>
        _rows = new CustomerRows(Audience, file, Options.Mapping, progress, persons);

    public override async Task<ImportForecast?> ForecastAsync(CancellationToken cancellationToken) =>
        _rows is null ? null : await imports.ForecastAsync(Audience, _rows.Customers, cancellationToken);

    public override async Task RemoveAsync(NpgsqlConnection connection, ImportProgress progress)
    {
        await connection.ExecuteAsync($"delete from {Audience.CustomersTable} where version = @Version", new { progress.Version });
        await persons.RemoveAsync(connection, progress.Id);
    }

    public override async Task<ImportCounts> LandAsync(NpgsqlConnection connection, ImportProgress progress, List<ImportProblem> problems)
    {
        var version = progress.Version!.Value;
        await _merged.LockAsync(connection);
        var erased = await _merged.SkipErasedAsync(connection, version);
        _staleConsents = await persons.LandAsync(connection, progress.Id);
        var known = await imports.CountKnownAsync(connection, Audience, version);
        var written = progress.Written - erased;
        var customers = written;
        if (Options.Mapping is { Merges: true })
        {
            customers = await _merged.LayOverAsync(connection, version);
        }
        await imports.AddVersionAsync(connection, Audience.Id, version, progress.Id, customers);
        return new ImportCounts(progress.Received, written - known, known, progress.Skipped + erased, progress.Quarantined) { Warnings = progress.Warnings };
    }
}

/// <summary>A history file: training sees its rows when the file is finished.</summary>
internal sealed class HistoryIntake(Audience audience, FunnelOrder order, IntakeOptions options) : FileIntake(audience, "history", options)
{
    private HistoryRows? _rows;

    public override IReadOnlyList<string> Notes => [.. _rows?.LeftOut ?? [], .. _rows?.Notes() ?? []];

    public override FileRows Open(DelimitedReader file, ImportProgress progress) =>
        _rows = new HistoryRows(Audience, file, Options.Mapping, order, progress.Id);

    public override Task RemoveAsync(NpgsqlConnection connection, ImportProgress progress) =>
        connection.ExecuteAsync($"delete from {Audience.HistoryTable} where import_file_id = @Id", new { progress.Id });

    public override async Task<ImportCounts> LandAsync(NpgsqlConnection connection, ImportProgress progress, List<ImportProblem> problems)
    {
        var erased = await connection.ExecuteAsync(
            $"delete from {Audience.HistoryTable} h using erasure e where e.customer = h.customer and h.import_file_id = @Id", new { progress.Id });
        return new ImportCounts(progress.Received, progress.Written - erased, 0, progress.Skipped + erased, progress.Quarantined) { Warnings = progress.Warnings };
    }
}
