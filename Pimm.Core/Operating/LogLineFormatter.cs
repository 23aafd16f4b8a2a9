using System.Globalization;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;

namespace Pimm.Core.Operating;

/// <summary>One line an event, whatever is in it: a line break in somebody's text cannot pass for a line of ours.</summary>
public sealed class LogLineFormatter(TimeProvider time) : ConsoleFormatter(FormatterName)
{
    public const string FormatterName = "pimm";

    public override void Write<TState>(in LogEntry<TState> entry, IExternalScopeProvider? scopes, TextWriter writer)
    {
        var message = entry.Formatter?.Invoke(entry.State, entry.Exception);
        if (message is null && entry.Exception is null)
            return;
        writer.Write(time.GetUtcNow().ToString("HH:mm:ss.fff ", CultureInfo.InvariantCulture));
        writer.Write(Word(entry.LogLevel));
        writer.Write(": ");
        writer.Write(entry.Category);
        scopes?.ForEachScope(WriteRun, writer);
        writer.Write(' ');
        WriteOnOneLine(message ?? "", writer);
        if (entry.Exception is { } exception)
        {
            writer.Write(' ');
            WriteOnOneLine(exception.ToString(), writer);
        }
        writer.Write('\n');
    }

    private static void WriteRun(object? scope, TextWriter writer)
    {
        if (scope is not IReadOnlyDictionary<string, object> run || !run.ContainsKey("run"))
            return;
        writer.Write(" [");
        writer.Write(string.Join(' ', run.Select(pair => string.Create(CultureInfo.InvariantCulture, $"{pair.Key} {pair.Value}"))));
        writer.Write(']');
    }

    /// <summary>Line separators, escape sequences of terminals and whatever else is no sign becomes a blank.</summary>
    internal static void WriteOnOneLine(string text, TextWriter writer)
    {
        foreach (var sign in text.ReplaceLineEndings(" "))
            writer.Write(char.IsControl(sign) || char.GetUnicodeCategory(sign) is UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator ? ' ' : sign);
    }

    private static string Word(LogLevel level) => level switch
    {
        LogLevel.Trace => "trce",
        LogLevel.Debug => "dbug",
        LogLevel.Warning => "warn",
        LogLevel.Error => "fail",
        LogLevel.Critical => "crit",
        _ => "info",
    };
}
