using Dapper;
using Npgsql;
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

    [Theory]
    [InlineData(0)]
    [InlineData(65_536)]
    [InlineData(140_000)]
    public async Task All_rows_are_read_into_a_list_of_pieces_in_their_order(int count)
    {
        await using var connection = await OpenAsync("select 1");
        var rows = new RowList<int>();

        await BulkCopy.ReadAllAsync(connection, $"(select generate_series(1, {count}))", row => row.ReadInt32(), rows.Add, Cancel);

        rows.Count.ShouldBe(count);
        rows.SequenceEqual(Enumerable.Range(1, count)).ShouldBeTrue();
        Enumerable.Range(0, count).All(at => rows[at] == at + 1).ShouldBeTrue();
        Should.Throw<ArgumentOutOfRangeException>(() => rows[count]);
    }

    [Fact]
    public async Task A_stream_of_rows_is_written_too()
    {
        await using var connection = await OpenAsync("create temp table number (n int)");

        var written = await BulkCopy.WriteAsync(connection, "number (n)", Enumerable.Range(0, 2_500).ToAsyncEnumerable(), (row, n) => row.Write(n), Cancel);

        written.ShouldBe(2_500);
        (await connection.ExecuteScalarAsync<long>("select sum(n) from number")).ShouldBe(2_500L * 2_499 / 2);
    }

    [Fact]
    public async Task An_exception_in_the_middle_leaves_no_row()
    {
        await using var connection = await OpenAsync("create temp table number (n int)");

        await Should.ThrowAsync<InvalidOperationException>(() => BulkCopy.WriteAsync(connection, "number (n)", Enumerable.Range(0, 5_000),
            (row, n) => row.Write(n < 4_000 ? n : throw new InvalidOperationException("row 4,000")), Cancel));

        (await connection.ExecuteScalarAsync<long>("select count(*) from number")).ShouldBe(0);
    }

    [Fact]
    public async Task A_cancelled_copy_leaves_no_row()
    {
        await using var connection = await OpenAsync("create temp table number (n int)");
        using var stop = new CancellationTokenSource();

        await Should.ThrowAsync<OperationCanceledException>(() => BulkCopy.WriteAsync(connection, "number (n)", Enumerable.Range(0, 1_000_000), (row, n) =>
        {
            row.Write(n);
            if (n == 10_000) stop.Cancel();
        }, stop.Token));

        (await connection.ExecuteScalarAsync<long>("select count(*) from number")).ShouldBe(0);
    }

    [Fact]
    public async Task Reading_may_stop_early_and_the_connection_stays_usable()
    {
        await using var connection = await OpenAsync("select 1");

        var first = await BulkCopy.ReadAsync(connection, "(select generate_series(1, 100000))", row => row.ReadInt32(), Cancel).Take(3).ToListAsync(Cancel);

        first.ShouldBe([1, 2, 3]);
        (await connection.ExecuteScalarAsync<int>("select 7")).ShouldBe(7);
    }

    [Fact]
    public async Task Every_type_comes_back_with_and_without_a_value_as_the_server_understands_it()
    {
        await using var connection = await OpenAsync("create temp table kind (b boolean, s smallint, i integer, l bigint, f real, d float8, u uuid, day date, at timestamptz, t text, y bytea, n integer)");
        var (when, key, note) = (new DateTimeOffset(1999, 12, 31, 23, 59, 59, 123, 456, TimeSpan.FromHours(8)), Guid.Parse("01234567-89ab-cdef-0123-456789abcdef"), new string('ü', 70_000));
        await BulkCopy.WriteAsync(connection, "kind", new[] { true, false }, (row, present) =>
        {
            row.Write(present);
            row.Write(present ? short.MinValue : (short?)null);
            row.Write(present ? int.MinValue : (int?)null);
            row.Write(present ? long.MinValue : (long?)null);
            row.Write(present ? -1.5f : (float?)null);
            row.Write(present ? -0.1 : (double?)null);
            row.Write(key);
            row.Write(present ? new DateOnly(1999, 12, 31) : (DateOnly?)null);
            row.Write(when);
            row.Write(present ? note : null);
            row.Write(new byte[] { 0, 255, 7 });
            row.WriteNull();
        }, Cancel);

        (await connection.QueryAsync<string>("select concat_ws('|', b, s, i, l, f, d, u, day, at at time zone 'UTC', length(t), y, n) from kind order by b desc")).ShouldBe(
        [
            $@"t|-32768|-2147483648|-9223372036854775808|-1.5|-0.1|{key}|1999-12-31|1999-12-31 15:59:59.123456|70000|\x00ff07",
            $@"f|{key}|1999-12-31 15:59:59.123456|\x00ff07",
        ]);
        (await BulkCopy.ReadAsync(connection, "(select i, f, d, t, y, at, n from kind order by b desc)",
            row => (row.ReadInt32OrNull(), row.ReadSingleOrNull(), row.ReadDoubleOrNull(), row.ReadTextOrNull(), row.ReadBytesOrNull()!.Length, row.ReadInstant(), row.ReadInt32OrNull()), Cancel).ToListAsync(Cancel))
            .ShouldBe([(int.MinValue, -1.5f, -0.1, note, 3, when.UtcDateTime, null), (null, null, null, null, 3, when.UtcDateTime, null)]);
    }

    [Theory]
    [InlineData("42::bigint", "8 bytes where one of 4")]
    [InlineData("null::integer", "no value")]
    [InlineData("1, 2", "1 columns of a row were not read")]
    public async Task A_row_read_as_it_is_not_is_refused_with_the_reason(string columns, string reason)
    {
        await using var connection = await OpenAsync("select 1");

        (await Should.ThrowAsync<InvalidOperationException>(async () => await BulkCopy.ReadAsync(connection, $"(select {columns})", row => row.ReadInt32(), Cancel).ToListAsync(Cancel)))
            .Message.ShouldContain(reason);

        (await connection.ExecuteScalarAsync<int>("select 7")).ShouldBe(7);
    }

    [Fact]
    public async Task What_the_server_refuses_is_thrown_as_its_error_and_the_connection_stays_usable()
    {
        await using var connection = await OpenAsync("create temp table small (n int check (n < 90000))");

        (await Should.ThrowAsync<PostgresException>(() => BulkCopy.WriteAsync(connection, "small (n)", Enumerable.Range(0, 100_000), (row, n) => row.Write(n), Cancel)))
            .SqlState.ShouldBe(PostgresErrorCodes.CheckViolation);
        (await Should.ThrowAsync<PostgresException>(() => BulkCopy.WriteAsync(connection, "small (n)", [1], (row, n) => row.Write((long)n), Cancel)))
            .SqlState.ShouldBe(PostgresErrorCodes.InvalidBinaryRepresentation);

        (await connection.ExecuteScalarAsync<long>("select count(*) from small")).ShouldBe(0);
    }

    [Fact]
    public async Task Rows_may_take_the_server_longer_than_a_statement()
    {
        await using var source = NpgsqlDataSource.Create(database.OwnerConnectionString + ";Command Timeout=1");
        await using var connection = await source.OpenConnectionAsync(Cancel);
        await connection.ExecuteAsync("create temp table slow (n int); create function pg_temp.wait() returns trigger language plpgsql as 'begin perform pg_sleep(1.5); return new; end'; create trigger wait before insert on slow for each row execute function pg_temp.wait()");

        (await BulkCopy.WriteAsync(connection, "slow (n)", [1], (row, n) => row.Write(n), Cancel)).ShouldBe(1);
    }

    private static SampleRow Sample(int n) => new(
        n, new Guid(n, 7, 9, new byte[8]), n % 7 == 0 ? float.NaN : n / 3f, n % 5 == 0 ? null : $"grüße; \"{n}\"\n", new DateOnly(2026, 1, 1).AddDays(n % 400),
        new DateTime(2026, 3, 4, 5, 6, 7, DateTimeKind.Utc).AddSeconds(n), n == 3 ? double.PositiveInfinity : Math.Sqrt(n));

    private static void Write(CopyWriter row, SampleRow sample)
    {
        row.Write(sample.Id);
        row.Write(sample.Customer);
        row.Write(sample.Score);
        row.Write(sample.Note);
        row.Write(sample.Day);
        row.Write(sample.At);
        row.Write(sample.Share);
    }

    private static SampleRow Read(CopyReader row) => new(
        row.ReadInt64(), row.ReadGuid(), row.ReadSingle(),
        row.ReadTextOrNull(),
        row.ReadDate(), row.ReadInstant(), row.ReadDouble());

    private async Task<NpgsqlConnection> OpenAsync(string sql)
    {
        var connection = await database.Owner.OpenConnectionAsync(Cancel);
        await connection.ExecuteAsync(sql);
        return connection;
    }

    private sealed record SampleRow(long Id, Guid Customer, float Score, string? Note, DateOnly Day, DateTime At, double Share);
}
