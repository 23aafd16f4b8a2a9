using System.Net.Sockets;
using Npgsql;

namespace Pimm.Core.Database;

/// <summary>The one place where PostgreSQL's errors become ours.</summary>
public static class PostgresErrors
{
    /// <summary>
    /// <see cref="InputException"/> where the values were refused, <see cref="DatabaseException"/> where the database could not,
    /// and any other exception as it is.
    /// </summary>
    public static Exception Translate(Exception error) => error switch
    {
        PostgresException e => FromServer(e),
        NpgsqlException { InnerException: PostgresException e } => FromServer(e),
        NpgsqlException e when e.Message.Contains("pool", StringComparison.OrdinalIgnoreCase) => Unavailable("All connections to the database are in use: try again, or raise Database__MaxPoolSize.", e),
        NpgsqlException { InnerException: TimeoutException } e => Unavailable("The database did not answer in time: try again, or look at what it is doing with ./pimm doctor.", e),
        NpgsqlException { InnerException: SocketException or IOException } e => Unavailable($"The database cannot be reached ({e.InnerException!.Message}): start it with ./pimm up, or check Database__ConnectionString.", e),
        NpgsqlException e => Unavailable($"The connection to the database failed ({e.Message}): try again, or check Database__ConnectionString.", e),
        AggregateException { InnerExceptions: [var only] } => Translate(only),
        _ => error
    };

    /// <summary>True when another try of the same work may succeed.</summary>
    public static bool IsTransient(Exception error) => Translate(error) is DatabaseException { IsTransient: true };

    private static Exception FromServer(PostgresException e) => e.SqlState switch
    {
        PostgresErrorCodes.UniqueViolation => new InputException($"This {Words(e.TableName)} exists already (rule {e.ConstraintName}): use another name or key.", e),
        PostgresErrorCodes.ForeignKeyViolation => new InputException($"The {Words(e.TableName)} points to a row that does not exist, or is still pointed to (rule {e.ConstraintName}): check the id.", e),
        PostgresErrorCodes.CheckViolation => new InputException($"The {Words(e.TableName)} breaks the rule {e.ConstraintName}: correct the value.", e),
        PostgresErrorCodes.NotNullViolation => new InputException($"The {Words(e.TableName)} needs a value for {e.ColumnName}: give one.", e),
        PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.UndefinedColumn or PostgresErrorCodes.UndefinedFunction =>
            Broken($"The database and this version of Pimm do not fit ({e.MessageText}): bring the database up to date with ./pimm migrate.", e),
        PostgresErrorCodes.InvalidCatalogName => Broken($"The database does not exist ({e.MessageText}): create it with ./pimm up, or check Database__ConnectionString.", e),
        PostgresErrorCodes.InvalidPassword or PostgresErrorCodes.InvalidAuthorizationSpecification =>
            Broken($"The database refused the sign-in ({e.MessageText}): check user and password in Database__ConnectionString.", e),
        PostgresErrorCodes.InsufficientPrivilege => Broken($"The database role may not do this ({e.MessageText}): run ./pimm migrate as the owner, which grants the app its rights.", e),
        PostgresErrorCodes.TooManyConnections => Unavailable("The database has no free connection left: stop a worker, or raise max_connections.", e),
        PostgresErrorCodes.QueryCanceled => Unavailable("The database took longer than the time-out for one statement: try again, or raise Database__CommandTimeoutSeconds.", e),
        PostgresErrorCodes.LockNotAvailable => Unavailable("Somebody else holds the rows or the table for too long: try again.", e),
        PostgresErrorCodes.DeadlockDetected or PostgresErrorCodes.SerializationFailure => Unavailable("Two changes met at the same rows and this one was taken back: try again.", e),
        PostgresErrorCodes.DiskFull => Broken("The database's disk is full: free space, then try again.", e),
        _ when e.SqlState.StartsWith("22", StringComparison.Ordinal) => new InputException($"The database refused a value: {e.MessageText}{Where(e)}.", e),
        _ when e.SqlState.StartsWith("08", StringComparison.Ordinal) || e.SqlState.StartsWith("57P", StringComparison.Ordinal) =>
            Unavailable($"The database ended the connection ({e.MessageText}): try again in a moment.", e),
        _ => Broken($"The database refused a statement: {e.MessageText}{Where(e)} (SQLSTATE {e.SqlState}).", e)
    };

    private static DatabaseException Unavailable(string sentence, Exception e) => new(sentence, isTransient: true, e);

    private static DatabaseException Broken(string sentence, Exception e) => new(sentence, isTransient: false, e);

    private static string Where(PostgresException e) => e.Where is null ? "" : $" ({e.Where.Split('\n')[0]})";

    private static string Words(string? table) => table is null ? "row" : table.Replace('_', ' ');
}
