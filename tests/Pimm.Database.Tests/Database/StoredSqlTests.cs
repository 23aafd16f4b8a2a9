using System.Data;
using System.Reflection;
using System.Text.RegularExpressions;
using Dapper;
using Npgsql;
using Pimm.Core;
using Pimm.Core.Importing;
using Pimm.Testing;
using Shouldly;
using Xunit;

namespace Pimm.Database.Tests.Database;

/// <summary>
/// Every SQL constant of Core is understood by a migrated database, and the columns of those that fill a record fit it: Dapper
/// matches a positional record by order, count and type, and says nothing about a property it leaves empty.
/// </summary>
public sealed partial class StoredSqlTests(TestDatabase database) : IClassFixture<TestDatabase>
{
    private static readonly Type[] CoreTypes = typeof(InputException).Assembly.GetTypes();

    [Fact]
    public async Task Every_statement_is_understood_by_the_migrated_database()
    {
        var wrong = new List<string>();
        await using var connection = await OpenAsync();
        foreach (var (type, name, sql) in Statements())
        {
            if (Refusal(connection, sql) is { } refusal)
                wrong.Add($"{type.Name}.{name}: {refusal}");
        }

        Statements().Count().ShouldBeGreaterThan(15);
        wrong.ShouldBeEmpty();
    }

    [Fact]
    public async Task Every_SELECT_list_fits_the_record_that_it_fills()
    {
        var wrong = new List<string>();
        var read = 0;
        await using var connection = await OpenAsync();
        foreach (var (type, name, sql, record) in Readings())
        {
            read++;
            if (Misfit(connection, sql, record) is { } misfit)
                wrong.Add($"{type.Name}.{name} → {record.Name}: {misfit}");
        }

        read.ShouldBeGreaterThan(5);
        wrong.ShouldBeEmpty();
    }

    [Fact]
    public async Task Every_statement_of_a_batch_answers_what_is_read_of_it()
    {
        var audiences = new AudienceStore(database.DataSource, TimeProvider.System);
        var audience = await audiences.GetAsync(
            await audiences.CreateAsync("stored sql", "ref", [new AudienceColumn("age", "number")], ["click"], cancellationToken: TestContext.Current.CancellationToken), TestContext.Current.CancellationToken);
        await using var connection = await OpenAsync();
        var (statements, wrong) = (Batched(audience).ToList(), new List<string>());
        foreach (var (type, name, sql, reads) in statements)
        {
            if (reads.All(read => Unread(connection, sql, read) is not null))
                wrong.Add($"{type.Name}.{name}: {string.Join("; ", reads.Select(read => $"as {read.Name}, {Unread(connection, sql, read)}"))}");
        }

        // Of the checks of outcomes each rule, that of unknown customers included, which is written for an audience.
        statements.Count(statement => statement.Type.Name == "OutcomeStore").ShouldBe(8);
        wrong.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_list_in_another_order_or_with_a_column_too_many_is_found()
    {
        await using var connection = await OpenAsync();

        Misfit(connection, "select run_id, fence, seq, logged_at, level, message from job_run_log", typeof(Core.Queueing.JobLogLine)).ShouldBeNull();
        Misfit(connection, "select run_id, seq, fence, logged_at, level, message from job_run_log", typeof(Core.Queueing.JobLogLine)).ShouldNotBeNull();
        Misfit(connection, "select run_id, fence, seq, logged_at, level, message, 1 as more from job_run_log", typeof(Core.Queueing.JobLogLine)).ShouldNotBeNull();
        Refusal(connection, "select nonsense from job_run").ShouldNotBeNull();
        Unread(connection, "select count(*) from job_run", typeof(long)).ShouldBeNull();
        Unread(connection, "select id, fence from job_run", typeof(long)).ShouldNotBeNull();
        Unread(connection, "select kind from job_run", typeof(long)).ShouldNotBeNull();
        Unread(connection, "update job_run set kind = kind where false; select 1::bigint as line, '' as code, '' as \"column\", '' as message", typeof(ImportProblem)).ShouldNotBeNull();
    }

    private static IEnumerable<(Type Type, string Name, string Sql)> Statements() =>
        from constant in Constants()
        where Statement().IsMatch(constant.Sql)
        select constant;

    private static IEnumerable<(Type Type, string Name, string Sql)> Constants() =>
        from type in CoreTypes
        from field in type.GetFields(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly)
        where field is { IsLiteral: true } && field.FieldType == typeof(string)
        select (type, field.Name, (string)field.GetRawConstantValue()!);

    // With the temporary tables that statements make for each other.
    private async Task<NpgsqlConnection> OpenAsync()
    {
        var connection = await database.Owner.OpenConnectionAsync(TestContext.Current.CancellationToken);
        foreach (var (_, _, sql) in Constants().Where(constant => TemporaryTable().IsMatch(constant.Sql)))
            await connection.ExecuteAsync(sql.Replace("on commit drop", "", StringComparison.OrdinalIgnoreCase));
        return connection;
    }

    // Which constant fills which record is read where it is written: Query…Async<Record>(… Constant …).
    private static IEnumerable<(Type Type, string Name, string Sql, Type Record)> Readings() =>
        from source in Directory.EnumerateFiles(Path.Combine(Root(), "Pimm.Core"), "*.cs", SearchOption.AllDirectories)
        let text = File.ReadAllText(source)
        from Match query in Query().Matches(text)
        from statement in Statements()
        where statement.Type.Name == Path.GetFileNameWithoutExtension(source) && statement.Name == query.Groups["sql"].Value
        let record = CoreTypes.Where(type => type.Name == query.Groups["record"].Value)
            .OrderByDescending(type => type.DeclaringType == statement.Type).ThenByDescending(type => type.Namespace == statement.Type.Namespace).FirstOrDefault()
        where record is not null
        select (statement.Type, statement.Name, statement.Sql, record);

    // What a batch is put together of stands in its arrays; what is read of it, behind it: results.Read…Async<Record>.
    private static IEnumerable<(Type Type, string Name, string Sql, IReadOnlyList<Type> Reads)> Batched(Audience audience) =>
        from source in Directory.EnumerateFiles(Path.Combine(Root(), "Pimm.Core"), "*.cs", SearchOption.AllDirectories)
        let text = File.ReadAllText(source)
        where text.Contains("QueryMultipleAsync", StringComparison.Ordinal)
        let type = CoreTypes.Single(type => type.Name == Path.GetFileNameWithoutExtension(source))
        let names = BatchArray().Matches(text).SelectMany(array => Word().Matches(array.Value)).Select(word => word.Value).ToHashSet()
        let reads = BatchRead().Matches(text).Select(read => read.Groups["record"].Value).Distinct()
            .Select(record => record == "long" ? typeof(long) : CoreTypes.Single(type => type.Name == record)).ToList()
        from statement in Constants().Where(constant => constant.Type == type).Concat(OfAudience(type, audience))
        where names.Contains(statement.Name)
        select (statement.Type, statement.Name, statement.Sql, (IReadOnlyList<Type>)reads);

    private static IEnumerable<(Type Type, string Name, string Sql)> OfAudience(Type type, Audience audience) =>
        from method in type.GetMethods(BindingFlags.Static | BindingFlags.NonPublic | BindingFlags.DeclaredOnly)
        where method.ReturnType == typeof(string) && method.GetParameters() is [{ } only] && only.ParameterType == typeof(Audience)
        select (type, method.Name, (string)method.Invoke(null, [audience])!);

    private static string? Unread(NpgsqlConnection connection, string sql, Type read)
    {
        if (read != typeof(long))
            return Misfit(connection, sql, read);
        using var reader = TryDescribe(connection, sql, out var refusal);
        return reader is null ? refusal : reader.FieldCount == 1 && reader.GetFieldType(0) == typeof(long) ? null : "it is no one number";
    }

    private static string? Refusal(NpgsqlConnection connection, string sql)
    {
        try
        {
            using var reader = Describe(connection, sql);
            return null;
        }
        catch (PostgresException e) when (e.SqlState is PostgresErrorCodes.AmbiguousParameter or PostgresErrorCodes.IndeterminateDatatype)
        {
            return null;
        }
        catch (Exception e) when (e is PostgresException or NotSupportedException or InvalidOperationException)
        {
            return e.Message;
        }
    }

    private static string? Misfit(NpgsqlConnection connection, string sql, Type record)
    {
        using var reader = TryDescribe(connection, sql, out var refusal);
        if (reader is null)
            return refusal;
        try
        {
            SqlMapper.GetTypeDeserializer(record, reader);
        }
        catch (InvalidOperationException e)
        {
            return e.Message;
        }
        var columns = Enumerable.Range(0, reader.FieldCount).Select(reader.GetName).ToList();
        var members = record.GetProperties().Select(property => property.Name).ToHashSet(StringComparer.OrdinalIgnoreCase);
        var homeless = columns.Where(column => !members.Contains(column.Replace("_", ""))).ToList();
        return homeless.Count == 0 ? null : $"nothing takes the columns {string.Join(", ", homeless)}";
    }

    private static NpgsqlDataReader? TryDescribe(NpgsqlConnection connection, string sql, out string? refusal)
    {
        try
        {
            refusal = null;
            return Describe(connection, sql);
        }
        catch (PostgresException e)
        {
            refusal = e.Message;
            return null;
        }
    }

    private static NpgsqlDataReader Describe(NpgsqlConnection connection, string sql)
    {
        using var command = new NpgsqlCommand(sql, connection);
        NpgsqlCommandBuilder.DeriveParameters(command);
        foreach (NpgsqlParameter parameter in command.Parameters)
            parameter.Value = DBNull.Value;
        return command.ExecuteReader(CommandBehavior.SchemaOnly);
    }

    private static string Root()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder!.FullName, "Pimm.sln")))
            folder = folder.Parent;
        return folder.FullName;
    }

    [GeneratedRegex(@"string\[\] [^;]*;")]
    private static partial Regex BatchArray();

    [GeneratedRegex(@"\w+")]
    private static partial Regex Word();

    [GeneratedRegex(@"results\.Read\w*Async<(?<record>\w+)>")]
    private static partial Regex BatchRead();

    [GeneratedRegex(@"^\s*create temp(?:orary)? table\s", RegexOptions.IgnoreCase)]
    private static partial Regex TemporaryTable();

    [GeneratedRegex(@"^\s*(?:select|insert|update|delete|with)\s", RegexOptions.IgnoreCase)]
    private static partial Regex Statement();

    [GeneratedRegex(@"Query\w*Async<(?<record>\w+)\??>\(\s*(?:new\s+CommandDefinition\(\s*)?(?<sql>\w+)")]
    private static partial Regex Query();
}
