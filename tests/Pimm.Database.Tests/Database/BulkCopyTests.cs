using Dapper;
using Npgsql;
using NpgsqlTypes;
using Pimm.Core.Database;
using Pimm.Testing;
using Shouldly;
using Xunit;

namespace Pimm.Database.Tests.Database;

public sealed class BulkCopyTests(TestDatabase database) : IClassFixture<TestDatabase>
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Rows_come_back_as_they_were_written_in_the_order_of_the_query()
    {
        await using var connection = await OpenAsync("create temp table sample (id bigint, customer uuid, score real, note text, day date, at timestamptz, share float8)");
        var rows = Enumerable.Range(0, 5_000).Select(Sample).ToList();

        var written = await BulkCopy.WriteAsync(connection, "sample (id, customer, score, note, day, at, share)", rows, Write, Cancel);
        var read = await BulkCopy.ReadAsync(connection, "(select id, customer, score, note, day, at, share from sample order by id)", Read, Cancel).ToListAsync(Cancel);

        written.ShouldBe(5_000);
        read.ShouldBe(rows);
    }

    [Fact]
    public async Task A_stream_of_rows_is_written_too()
    {
        await using var connection = await OpenAsync("create temp table number (n int)");

        var written = await BulkCopy.WriteAsync(connection, "number (n)", Enumerable.Range(0, 2_500).ToAsyncEnumerable(), (row, n) => row.Write(n, NpgsqlDbType.Integer), Cancel);

        written.ShouldBe(2_500);
        (await connection.ExecuteScalarAsync<long>("select sum(n) from number")).ShouldBe(2_500L * 2_499 / 2);
    }

    [Fact]
    public async Task An_exception_in_the_middle_leaves_no_row()
    {
        await using var connection = await OpenAsync("create temp table number (n int)");

        await Should.ThrowAsync<InvalidOperationException>(() => BulkCopy.WriteAsync(connection, "number (n)", Enumerable.Range(0, 5_000),
            (row, n) => row.Write(n < 4_000 ? n : throw new InvalidOperationException("row 4,000"), NpgsqlDbType.Integer), Cancel));

        (await connection.ExecuteScalarAsync<long>("select count(*) from number")).ShouldBe(0);
    }

    [Fact]
    public async Task A_cancelled_copy_leaves_no_row()
    {
        await using var connection = await OpenAsync("create temp table number (n int)");
        using var stop = new CancellationTokenSource();

        await Should.ThrowAsync<OperationCanceledException>(() => BulkCopy.WriteAsync(connection, "number (n)", Enumerable.Range(0, 1_000_000), (row, n) =>
        {
            row.Write(n, NpgsqlDbType.Integer);
            if (n == 10_000) stop.Cancel();
        }, stop.Token));

        (await connection.ExecuteScalarAsync<long>("select count(*) from number")).ShouldBe(0);
    }

    [Fact]
    public async Task Reading_may_stop_early_and_the_connection_stays_usable()
    {
        await using var connection = await OpenAsync("select 1");

        var first = await BulkCopy.ReadAsync(connection, "(select generate_series(1, 100000))", row => row.Read<int>(NpgsqlDbType.Integer), Cancel).Take(3).ToListAsync(Cancel);

        first.ShouldBe([1, 2, 3]);
        (await connection.ExecuteScalarAsync<int>("select 7")).ShouldBe(7);
    }

    private static SampleRow Sample(int n) => new(
        n, new Guid(n, 7, 9, new byte[8]), n % 7 == 0 ? float.NaN : n / 3f, n % 5 == 0 ? null : $"grüße; \"{n}\"\n", new DateOnly(2026, 1, 1).AddDays(n % 400),
        new DateTime(2026, 3, 4, 5, 6, 7, DateTimeKind.Utc).AddSeconds(n), n == 3 ? double.PositiveInfinity : Math.Sqrt(n));

    private static void Write(NpgsqlBinaryImporter row, SampleRow sample)
    {
        row.Write(sample.Id, NpgsqlDbType.Bigint);
        row.Write(sample.Customer, NpgsqlDbType.Uuid);
        row.Write(sample.Score, NpgsqlDbType.Real);
        row.Write(sample.Note, NpgsqlDbType.Text);
        row.Write(sample.Day, NpgsqlDbType.Date);
        row.Write(sample.At, NpgsqlDbType.TimestampTz);
        row.Write(sample.Share, NpgsqlDbType.Double);
    }

    private static SampleRow Read(NpgsqlBinaryExporter row) => new(
        row.Read<long>(NpgsqlDbType.Bigint), row.Read<Guid>(NpgsqlDbType.Uuid), row.Read<float>(NpgsqlDbType.Real),
        row.IsNull ? Skipped(row) : row.Read<string>(NpgsqlDbType.Text),
        row.Read<DateOnly>(NpgsqlDbType.Date), row.Read<DateTime>(NpgsqlDbType.TimestampTz), row.Read<double>(NpgsqlDbType.Double));

    private static string? Skipped(NpgsqlBinaryExporter row)
    {
        row.Skip();
        return null;
    }

    private async Task<NpgsqlConnection> OpenAsync(string sql)
    {
        var connection = await database.Owner.OpenConnectionAsync(Cancel);
        await connection.ExecuteAsync(sql);
        return connection;
    }

    private sealed record SampleRow(long Id, Guid Customer, float Score, string? Note, DateOnly Day, DateTime At, double Share);
}
