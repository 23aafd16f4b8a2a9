using Microsoft.Extensions.Options;
using Pimm.Core;
using Pimm.Core.Importing;

namespace Pimm.Web.Importing;

/// <summary>Reads what the step of the mapping shows.</summary>
public sealed class ImportRoom(UploadStore uploads, ImportDetector detector, ImportDraftStore drafts, ImportReportStore reports, IOptions<ImportingOptions> options)
{
    /// <exception cref="InputException">it is gone, or never was</exception>
    public Task<Upload> UploadAsync(long id) => uploads.GetAsync(id);

    /// <param name="delimiter">one character; empty: found</param>
    /// <exception cref="InputException">the file cannot be read so</exception>
    public Task<Detection> LookAsync(Upload upload, ImportTarget target, string? delimiter) => detector.DetectAsync(
        new ImportSource(uploads.PathOf(upload), upload.FileName, delimiter is [var character] ? character : null), target.Kind, target.AudienceId, options.Value.Unpacking);

    /// <summary>Fills the target from an earlier draft, or from the import whose rows were mended.</summary>
    /// <returns>the mapping to go on with; null: none yet</returns>
    public async Task<ImportMapping?> StartAsync(ImportTarget target, long? draft, long? replay)
    {
        if (draft is { } id)
        {
            var earlier = await drafts.GetAsync(id);
            target.Take(earlier.Request);
            return earlier.Request.Mapping;
        }
        if (replay is not { } import)
        {
            return null;
        }
        var mended = await reports.FindAsync(import) ?? throw new InputException($"There is no import {import}: import the file for itself.");
        target.Take(mended);
        // The rest of the audience stays: the mended rows are laid over it.
        return mended.Mapping is { } mapping ? mapping with { Mode = mended.Kind == "customers" ? ImportMapping.Merge : mapping.Mode } : null;
    }
}
