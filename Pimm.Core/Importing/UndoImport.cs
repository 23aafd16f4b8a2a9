using System.Globalization;
using System.Text.Json;
using Dapper;
using Npgsql;
using Pimm.Core.Auditing;

namespace Pimm.Core.Importing;

/// <summary>What an undo took away.</summary>
/// <param name="Removed">rows by what they were</param>
/// <param name="Sentences">what had been made of the import by then, and what is not taken back</param>
public sealed record UndoneImport(long ImportFileId, string Kind, IReadOnlyDictionary<string, long> Removed, IReadOnlyList<string> Sentences);

/// <summary>Takes a finished import away again, in one transaction.</summary>
public sealed class UndoImport(NpgsqlDataSource database, ImportStore imports, TimeProvider time)
{
    private const string Undo = "select undo_import(@id, @by, @at)::text";

    /// <param name="by">as the audit names actors</param>
    /// <exception cref="InputException">it cannot be undone; the sentence names what came of it</exception>
    public async Task<UndoneImport> RunAsync(long id, string by, CancellationToken cancellationToken = default)
    {
        var file = await imports.FindAsync(id, cancellationToken) ?? throw new InputException($"There is no finished import {id}.");
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        try
        {
            var taken = await connection.ExecuteScalarAsync<string>(new CommandDefinition(Undo, new { id, by, at = time.GetUtcNow() }, commandTimeout: 0, cancellationToken: cancellationToken));
            var undone = Read(file, taken!);
            await AuditLog.AddAsync(connection, new AuditEntry(by, "import.undo", "import", id.ToString(CultureInfo.InvariantCulture), After: undone.Removed));
            await transaction.CommitAsync(cancellationToken);
            return undone;
        }
        catch (PostgresException refused) when (refused.SqlState == PostgresErrorCodes.InvalidParameterValue)
        {
            throw new InputException(refused.MessageText, refused);
        }
    }

    private static UndoneImport Read(ImportedFile file, string json)
    {
        using var document = JsonDocument.Parse(json);
        var removed = new Dictionary<string, long>();
        var sentences = new List<string>();
        foreach (var field in document.RootElement.EnumerateObject())
        {
            if (field.Value.ValueKind == JsonValueKind.Number)
            {
                removed[field.Name] = field.Value.GetInt64();
            }
            else if (field.Value.GetArrayLength() > 0)
            {
                var names = string.Join(", ", field.Value.EnumerateArray().Select(name => name.GetString()));
                sentences.Add(field.Name switch
                {
                    "trainedOn" => $"These model versions were trained while the rows were there and keep what they learned: {names}. Train again to be rid of it.",
                    "unlogged" => $"Deliveries and labels stay: these files are from before events were logged and may have said the same: {names}.",
                    _ => $"The lift reports of these campaigns were computed while the events were there and are stale: {names}. Compute them again.",
                });
            }
        }
        if (file.Kind == "customers")
        {
            sentences.Add("Consents and identifiers of customers who remain stay as the file told them: a consent is history, and an identifier has no earlier value to go back to.");
        }
        return new UndoneImport(file.Id, file.Kind, removed, sentences);
    }
}
