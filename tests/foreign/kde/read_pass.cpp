// Prints what KDE's reader finds in a pass, as JSON.
#include <KPkPass/Barcode>
#include <KPkPass/Field>
#include <KPkPass/Pass>

#include <QCoreApplication>
#include <QDateTime>
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QUrl>
#include <QVariant>
#include <QVector>

#include <cstdio>
#include <memory>

int main(int argc, char **argv)
{
    QCoreApplication app(argc, argv);
    if (argc != 2) {
        return 2;
    }
    const std::unique_ptr<KPkPass::Pass> pass(KPkPass::Pass::fromFile(QString::fromLocal8Bit(argv[1])));
    if (!pass) {
        return 1;
    }
    QJsonArray fields;
    for (const auto &field : pass->fields()) {
        fields.append(QJsonObject{
            {QStringLiteral("key"), field.key()},
            {QStringLiteral("label"), field.label()},
            {QStringLiteral("value"), field.value().toString()},
            {QStringLiteral("change_message"), field.changeMessage()},
        });
    }
    QJsonArray barcodes;
    for (const auto &barcode : pass->barcodes()) {
        barcodes.append(barcode.message());
    }
    const QJsonObject found{
        {QStringLiteral("store_card"), pass->type() == KPkPass::Pass::StoreCard},
        {QStringLiteral("serial"), pass->serialNumber()},
        {QStringLiteral("organization"), pass->organizationName()},
        {QStringLiteral("update_url"), pass->passUpdateUrl().toString()},
        {QStringLiteral("has_strip"), pass->hasStrip()},
        {QStringLiteral("barcodes"), barcodes},
        {QStringLiteral("fields"), fields},
    };
    std::puts(QJsonDocument(found).toJson(QJsonDocument::Compact).constData());
    return 0;
}
