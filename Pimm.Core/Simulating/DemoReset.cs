using Dapper;
using Npgsql;
using Pimm.Core.Auditing;

namespace Pimm.Core.Simulating;

/// <summary>Empties an installation that holds simulated data only; users, keys, settings and the audit log stay.</summary>
public sealed class DemoReset(NpgsqlDataSource database)
{
    /// <summary>Raised by the function for what a person has to do first.</summary>
    private const string Refused = "PM001";

    private const string Reset = "select reset_demo()";

    /// <param name="by">who asks, as the audit names actors</param>
    /// <exception cref="InputException">there is real data, or a run is under way; nothing was removed</exception>
    public async Task RunAsync(string by, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        try
        {
            await connection.ExecuteAsync(new CommandDefinition(Reset, cancellationToken: cancellationToken));
        }
        catch (PostgresException refused) when (refused.SqlState == Refused)
        {
            throw new InputException(refused.MessageText, refused);
        }
        await AuditLog.AddAsync(connection, new AuditEntry(by, "demo.reset", "installation", ""));
        await transaction.CommitAsync(cancellationToken);
    }
}
